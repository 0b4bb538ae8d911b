"""A chat in Python's standard library alone: Hookbox keeps the sockets, this application the login and the history."""
import hmac, html, json, os, re, secrets, sqlite3, sys, threading
from datetime import datetime, timezone
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qsl

PORT, HUB_PORT = int(os.environ.get('PORT', '8010')), os.environ.get('HOOKBOX_PORT', '8001')
SECRET = os.environ.get('HOOKBOX_WEBHOOK_SECRET') or sys.exit('Set HOOKBOX_WEBHOOK_SECRET to what the hub has.')

lock = threading.Lock()
database = sqlite3.connect(os.environ.get('CHAT_DATABASE', 'chat.sqlite'), check_same_thread=False, isolation_level=None)
database.executescript('''
  CREATE TABLE IF NOT EXISTS sessions (id TEXT PRIMARY KEY, name TEXT NOT NULL);
  CREATE TABLE IF NOT EXISTS entries (number INTEGER PRIMARY KEY, repeat TEXT UNIQUE, kind TEXT, entry TEXT);
''')

def query(sql, *values):
    with lock:
        return database.execute(sql, values).fetchall()

def keep(repeat, kind, **entry):
    """Keeps an entry once, however often it is told: `repeat` is the same then."""
    entry['datetime'] = datetime.now(timezone.utc).isoformat(timespec='milliseconds')
    query('INSERT OR IGNORE INTO entries (repeat, kind, entry) VALUES (?, ?, ?)', repeat, kind, json.dumps(entry))
    return [True, {}]

def create_channel(channel):
    if channel != 'chat':
        return [False, {'error': 'there is no such room'}]
    rows = query('SELECT kind, entry FROM entries ORDER BY number DESC LIMIT 20')
    history = [[kind, json.loads(entry)] for kind, entry in reversed(rows)]
    return [True, {'history_size': 20, 'presenceful': True, 'history': history}]

def publish(fields, call_id):
    text, user, key = json.loads(fields['payload']), fields.get('originator'), fields.get('message_id')
    if not isinstance(text, str) or not text.strip() or re.search(r'\bspam\b', text, re.IGNORECASE):
        return [False, {'error': 'no spam, please'}]
    given = {} if key is None else {'message_id': key}
    return keep(call_id if key is None else json.dumps([user, key]), 'PUBLISH', user=user, payload=text, **given)

def answer_hub(action, fields, user, call_id):
    """What Hookbox asks. `call_id` is the same when it asks again."""
    match action:
        case 'connect':
            return [True, {'name': user}] if user else [False, {'error': 'sign in first'}]
        case 'create_channel':
            return create_channel(fields['channel_name'])
        case 'publish':
            return publish(fields, call_id)
        case 'subscribe' | 'unsubscribe':
            return keep(call_id, action.upper(), user=fields['user'])
        case 'disconnect' | 'destroy_channel' | 'hub_started':
            return [True, {}]  # The channel may go with its last visitor: its history is in the database.
        case _:
            return [False, {'error': 'this chat does not do that'}]

class Application(BaseHTTPRequestHandler):
    def do_GET(self):
        hub = html.escape(f'http://{self.headers.get("host", "").split(":")[0]}:{HUB_PORT}')
        self.answer('text/html', ROOM.replace('HUB', hub) if self.user() else SIGN_IN)

    def do_POST(self):
        body = self.rfile.read(int(self.headers.get('content-length', 0))).decode()
        fields = dict(parse_qsl(body, keep_blank_values=True))
        if self.path == '/sign-in':
            cookie = {}
            if re.fullmatch(r"[\w .'-]{1,20}", fields.get('name', '')):
                session = secrets.token_urlsafe(24)
                query('INSERT INTO sessions VALUES (?, ?)', session, fields['name'])
                cookie = {'set-cookie': f'chat_session={session}; Path=/; HttpOnly; SameSite=Lax'}
            self.answer('text/plain', '', 303, {'location': '/', **cookie})
        elif not hmac.compare_digest(fields.get('secret', '').encode(), SECRET.encode()):
            self.answer('text/plain', 'only the hub may ask this', 403)
        else:
            reply = answer_hub(self.path.removeprefix('/hookbox/'), fields, self.user(), self.headers['webhook-id'])
            self.answer('application/json', json.dumps(reply))

    def user(self):
        """Who signed in. The hub passes the browser's cookies on, so it is the same for pages and for webhooks."""
        found = re.search(r'(?:^|; *)chat_session=([\w-]+)', self.headers.get('cookie', ''))
        rows = query('SELECT name FROM sessions WHERE id = ?', found[1]) if found else []
        return rows[0][0] if rows else None

    def answer(self, kind, body, status=200, headers={}):
        self.send_response(status)
        for name, value in {**headers, 'content-type': f'{kind}; charset=utf-8', 'cache-control': 'no-store'}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body.encode())

SIGN_IN = '''<!doctype html><html lang="en"><meta charset="utf-8"><title>Sign in</title>
<form method="post" action="/sign-in"><label>Your name <input name="name" maxlength="20" required></label> <button>Sign in</button></form>'''

ROOM = '''<!doctype html><html lang="en"><meta charset="utf-8"><title>Chat</title>
<script src="HUB/static/hookbox.js"></script>
<ul id="lines"></ul>
<form id="form"><input id="text" aria-label="Message" autocomplete="off" autofocus> <button>Send</button></form>
<p id="error" role="alert"></p>
<script>
  const chat = hookbox.connect('HUB').subscribe('chat')
  const tell = ({ message }) => { error.textContent = message }
  const show = (kind, { user, payload }) => {
    const line = lines.appendChild(document.createElement('li'))
    line.textContent = user + { PUBLISH: `: ${payload}`, SUBSCRIBE: ' joined', UNSUBSCRIBE: ' left' }[kind]
  }
  chat.on('subscribed', ({ recovered }) => {
    if (!recovered) lines.replaceChildren() || chat.history.forEach((entry) => show(...entry))
  })
  for (const name of ['publish', 'subscribe', 'unsubscribe']) chat.on(name, (entry) => show(name.toUpperCase(), entry))
  chat.on('error', tell)
  form.onsubmit = (event) => {
    event.preventDefault()
    chat.publish(text.value).then(() => form.reset() || tell({ message: '' }), tell)
  }
</script>'''

server = ThreadingHTTPServer(('127.0.0.1', PORT), Application)
print(f'chat: http://localhost:{server.server_port}', flush=True)
server.serve_forever()
