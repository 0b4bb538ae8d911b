<?php
/* A chat in plain PHP: Hookbox keeps the sockets, this application the login and the history. */

const COOKIE = ['name' => 'chat_session', 'cookie_httponly' => true, 'cookie_samesite' => 'Lax'];
$secret = getenv('HOOKBOX_WEBHOOK_SECRET') ?: exit('Set HOOKBOX_WEBHOOK_SECRET to what the hub has.');
define('DATA', getenv('CHAT_DATABASE') ?: __DIR__ . '/chat');

function database(): ?PDO
{
    if (!extension_loaded('pdo_sqlite')) return null; // Then the entries are in a JSON file.
    $database = new PDO('sqlite:' . DATA . '.sqlite');
    $database->exec('CREATE TABLE IF NOT EXISTS entries (number INTEGER PRIMARY KEY, repeat TEXT UNIQUE, entry TEXT)');
    return $database;
}

/** Keeps an entry once, however often it is told: `$repeat` is the same then. */
function keep(string $repeat, string $kind, array $entry): array
{
    $entry = [$kind, $entry + ['datetime' => gmdate('Y-m-d\TH:i:s\Z')]];
    if ($database = database()) {
        $statement = $database->prepare('INSERT OR IGNORE INTO entries (repeat, entry) VALUES (?, ?)');
        $statement->execute([$repeat, json_encode($entry)]);
    } else {
        $all = json_decode(@file_get_contents(DATA . '.json') ?: '[]', true) + [$repeat => $entry];
        file_put_contents(DATA . '.json', json_encode($all), LOCK_EX);
    }
    return [true, []];
}

/** The last entries, oldest first. */
function last(int $count): array
{
    $database = database();
    if (!$database) return array_slice(array_values(json_decode(@file_get_contents(DATA . '.json') ?: '[]', true)), -$count);
    $rows = $database->query("SELECT entry FROM entries ORDER BY number DESC LIMIT $count")->fetchAll(PDO::FETCH_COLUMN);
    return array_map(fn ($row) => json_decode($row, true), array_reverse($rows));
}

/** Who signed in. The hub passes the browser's cookies on, so PHP's session is the same for pages and for webhooks. */
function user(): ?string
{
    if (empty($_COOKIE[COOKIE['name']])) return null;
    session_start(COOKIE + ['read_and_close' => true]);
    return $_SESSION['user'] ?? null;
}

function publish(array $given, string $call): array
{
    [$text, $user, $key] = [json_decode($given['payload']), $given['originator'] ?? null, $given['message_id'] ?? null];
    if (!is_string($text) || trim($text) === '' || preg_match('/\bspam\b/i', $text)) return refuse('no spam, please');
    if ($key === null) return keep($call, 'PUBLISH', ['user' => $user, 'payload' => $text]);
    return keep(json_encode([$user, $key]), 'PUBLISH', ['user' => $user, 'payload' => $text, 'message_id' => $key]);
}

function refuse(string $error): array
{
    return [false, ['error' => $error]];
}

/** What Hookbox asks. `$call` is the same when it asks again. */
function answerHub(string $action, array $given, string $call): array
{
    return match ($action) {
        'connect' => ($user = user()) === null ? refuse('sign in first') : [true, ['name' => $user]],
        'create_channel' => $given['channel_name'] === 'chat'
            ? [true, ['history_size' => 20, 'presenceful' => true, 'history' => last(20)]]
            : refuse('there is no such room'),
        'publish' => publish($given, $call),
        'subscribe', 'unsubscribe' => keep($call, strtoupper($action), ['user' => $given['user']]),
        'disconnect', 'destroy_channel', 'hub_started' => [true, []], // The channel may go: its history is kept here.
        default => refuse('this chat does not do that'),
    };
}

$path = parse_url($_SERVER['REQUEST_URI'], PHP_URL_PATH);
if ($path === '/sign-in') {
    if (preg_match("/^[\p{L}\p{N}_ .'-]{1,20}$/Du", $_POST['name'] ?? '')) {
        session_start(COOKIE);
        session_regenerate_id(true);
        $_SESSION['user'] = $_POST['name'];
    }
    exit(header('Location: /', true, 303));
}
if (str_starts_with($path, '/hookbox/')) {
    if (!hash_equals($secret, $_POST['secret'] ?? '')) exit(header('Content-Type: text/plain', true, 403));
    header('Content-Type: application/json');
    exit(json_encode(answerHub(substr($path, 9), $_POST, $_SERVER['HTTP_WEBHOOK_ID'] ?? '')));
}
header('Cache-Control: no-store');
$hub = htmlspecialchars('http://' . explode(':', $_SERVER['HTTP_HOST'])[0] . ':' . (getenv('HOOKBOX_PORT') ?: '8001'));
if (user() !== null) exit(str_replace('HUB', $hub, <<<'HTML'
<!doctype html><html lang="en"><meta charset="utf-8"><title>Chat</title>
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
</script>
HTML));
?>
<!doctype html><html lang="en"><meta charset="utf-8"><title>Sign in</title>
<form method="post" action="/sign-in"><label>Your name <input name="name" maxlength="20" required></label> <button>Sign in</button></form>
