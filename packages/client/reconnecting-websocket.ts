import type { Use } from './tailored.ts'

/**
 * What `src/transport/websocket.ts` needs of reconnecting-websocket: it gives a function for the address, a class of its own
 * and no waits, and sends when a line is open; it hears `open` and `message`, and how a line ended from the socket itself.
 */
export const use: Use = {
  used: ['addEventListener', 'close', 'reconnect', 'send'],
  idle: ['_debug', '_clearTimeouts'],
  known: {
    'this.OPEN': '1',
    'this.CLOSED': '3',
    // options that are given
    'if (this._options.startClosed) { this._shouldReconnect = false; }': '',
    'const { maxRetries = DEFAULT.maxRetries, connectionTimeout = DEFAULT.connectionTimeout, WebSocket = getGlobalWebSocket(), } = this._options;':
      'const { WebSocket } = this._options',
    'isWebSocket(WebSocket)': 'true',
    'this._protocols ? new WebSocket(url, this._protocols) : new WebSocket(url)': 'new WebSocket(url, this._protocols)',
    'this._getNextUrl(this._url)': 'this._url()',
    // tries are not counted, and their time is not limited here
    'this._retryCount >= maxRetries': 'false',
    'this._retryCount++;': '',
    'this._retryCount = -1;': '',
    'this._wait()': 'new Promise((resolve) => setTimeout(resolve))',
    // a bundler keeps what calls a function
    '1000 + Math.random() * 4000': '0',
    'const {minUptime = DEFAULT.minUptime} = this._options;': '',
    'clearTimeout(this._connectTimeout);': '',
    'this._connectTimeout = setTimeout(() => this._handleTimeout(), connectionTimeout);': '',
    'this._uptimeTimeout = setTimeout(() => this._acceptOpen(), minUptime);': '',
    'if (!this._ws || this._ws.readyState === this.CLOSED) { this._connect(); } else { this._disconnect(code, reason); this._connect(); }':
      'this._disconnect(code, reason); this._connect()',
    // it is not closed where it shall reconnect
    'this._closeCalled = true;': '',
    'this._closeCalled = false;': '',
    'this._closeCalled': '!this._shouldReconnect',
    // nothing is queued, and nothing but text comes
    'const {maxEnqueuedMessages = DEFAULT.maxEnqueuedMessages} = this._options;': '',
    'this._messageQueue.length < maxEnqueuedMessages': 'false',
    'this._messageQueue.forEach(message => this._ws!.send(message));': '',
    'this._messageQueue = [];': '',
    'this._messageQueue.push(data);': '',
    'this._ws!.binaryType = this._binaryType;': '',
    // listeners are functions, for two events
    'private _listeners: ListenersMap = { error: [], message: [], open: [], close: [], };':
      '_listeners = { message: [], open: [] }',
    'if (this._listeners[type]) { // @ts-ignore this._listeners[type].push(listener); }':
      'this._listeners[type].push(listener)',
    'this._callEventListener(event, listener)': 'listener(event)',
    'this._listeners.error.forEach(listener => this._callEventListener(event, listener));': '',
    'this._listeners.close.forEach(listener => this._callEventListener(event, listener));': '',
    'if (this.onopen) { this.onopen(event); }': '',
    'if (this.onmessage) { this.onmessage(event); }': '',
    'if (this.onerror) { this.onerror(event); }': '',
    'if (this.onclose) { this.onclose(event); }': '',
    "this._disconnect(undefined, event.message === 'TIMEOUT' ? 'timeout' : undefined);": 'this._disconnect();',
    'this._handleClose(new Events.CloseEvent(code, reason, this));': 'this._handleClose();',
  },
}

/** Names, as regular expressions, that only it and `src/transport/websocket.ts` have: its own members and options. */
export const names: readonly string[] = [
  '_.*',
  'm(in|ax)ReconnectionDelay',
  'reconnectionDelayGrowFactor',
  'connectionTimeout',
  'maxEnqueuedMessages',
]
