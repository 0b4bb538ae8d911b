import type { Use } from './tailored.ts'

/**
 * What `src/transport/websocket.ts` needs of reconnecting-websocket: it gives a function for the address, a class of its own
 * and no waits, and sends by the socket itself, from which it also hears what happens.
 */
export const use: Use = {
  used: ['close', 'reconnect'],
  idle: ['_debug', '_clearTimeouts'],
  known: {
    // options that are given
    'if (this._options.startClosed) { this._shouldReconnect = false; }': '',
    'const { maxRetries = DEFAULT.maxRetries, connectionTimeout = DEFAULT.connectionTimeout, WebSocket = getGlobalWebSocket(), } = this._options;':
      '',
    'isWebSocket(WebSocket)': 'true',
    'this._protocols ? new WebSocket(url, this._protocols) : new WebSocket(url)': 'new this._options.WebSocket(url)',
    'options: Options = {}': 'options',
    'code: number = 1000': 'code',
    // what starts as undefined need not be named
    'private _ws?: WebSocket;': '',
    'private _connectLock = false;': '',
    'private readonly _url: UrlProvider;': '',
    'private readonly _protocols?: string | string[];': '',
    'this._protocols = protocols;': '',
    'private readonly _options: Options;': '',
    'private _closeCalled = false;': '',
    // tries are not counted, and their time is not limited here
    'this._retryCount >= maxRetries': 'false',
    'this._retryCount++;': '',
    'this._retryCount = -1;': '',
    'this._wait() .then(() => this._getNextUrl(this._url))':
      'new Promise((resolve) => setTimeout(() => resolve(this._url())))',
    // a bundler keeps what calls a function
    '1000 + Math.random() * 4000': '0',
    'clearTimeout(this._connectTimeout);': '',
    'this._connectTimeout = setTimeout(() => this._handleTimeout(), connectionTimeout);': '',
    // it is never used again after it was closed, and a socket may be closed that is
    'this._closeCalled = false;': '',
    'private _shouldReconnect = true;': '',
    'this._shouldReconnect = true;': '',
    'this._shouldReconnect = false;': '',
    '!this._shouldReconnect': 'this._closeCalled',
    "if (!this._ws) { this._debug('close enqueued: no ws instance'); return; }": '',
    "if (this._ws.readyState === this.CLOSED) { this._debug('close: already closed'); return; }": '',
    'this._ws.close(code, reason);': 'this._ws?.close(code, reason);',
    // what fails without a socket is caught, and `_connect` stops listening
    'if (!this._ws || this._ws.readyState === this.CLOSED) { this._connect(); } else { this._disconnect(code, reason); this._connect(); }':
      'try { this._ws?.close(code, reason) } catch {} this._connect()',
    // `_connect` asks the same
    'if (this._shouldReconnect) { this._connect(); }': 'this._connect()',
    // nothing but text comes
    'this._ws!.binaryType = this._binaryType;': '',
    'this._addListeners();': "this._ws.addEventListener('close', this._handleClose);",
    // what happens is heard from the socket itself, errors too, on which it is told to reconnect
    'this._removeListeners();': "this._ws?.removeEventListener('close', this._handleClose);",
    'this._listeners.close.forEach(listener => this._callEventListener(event, listener));': '',
    'if (this.onclose) { this.onclose(event); }': '',
  },
}

/** Options that `src/transport/websocket.ts` gives, and that nothing is left to read. */
export const unread: readonly string[] = ['minReconnectionDelay', 'reconnectionDelayGrowFactor', 'connectionTimeout']

/** Names, as a regular expression, that only its own members have. */
export const names = '_[a-z].*'
