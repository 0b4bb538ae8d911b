const entities: Record<string, string> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;', "'": '&#39;' }

/** A template whose values are text, never markup. */
function html(strings: TemplateStringsArray, ...values: string[]): string {
  return String.raw({ raw: strings }, ...values.map((value) => value.replace(/[&<>"']/g, (c) => entities[c] ?? c)))
}

const head = `<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1, interactive-widget=resizes-content">
<meta name="color-scheme" content="light dark">
<link rel="icon" href="/favicon.svg">
<link rel="stylesheet" href="/chat.css">`

export const signInPage = ({ name = '', error = '' }: { name?: string; error?: string }) =>
  head +
  html`
<title>Sign in · Hookbox chat</title>
<body class="door">
<main>
  <img src="/favicon.svg" alt="" width="44" height="44">
  <h1>Come in</h1>
  <p class="lead">A room, and whoever is in it. Say who you are; that is all it takes.</p>
  <form method="post" action="/sign-in">
    <label for="name">Your name</label>
    <input id="name" name="name" value="${name}" maxlength="20" autocomplete="nickname" autocapitalize="words" spellcheck="false" required autofocus>
    <p role="alert">${error}</p>
    <button>Sign in</button>
  </form>
</main>
`

export const chatPage = ({ name, hub }: { name: string; hub: string }) =>
  head +
  html`
<title>Hookbox chat</title>
<meta name="hookbox-hub" content="${hub}">
<script src="${hub}/static/hookbox.js"></script>
<script type="module" src="/chat.js"></script>
<body class="room" data-user="${name}">
<header>
  <h1><img src="/favicon.svg" alt="" width="26" height="26"> Hookbox chat</h1>
  <p data-status="connecting" role="status">Connecting…</p>
  <form method="post" action="/sign-out"><span class="me">${name}</span> <button class="quiet">Sign out</button></form>
</header>
<aside>
  <h2 id="here-now">Here now</h2>
  <ul aria-labelledby="here-now" id="people"></ul>
</aside>
<main>
  <div role="log" aria-label="Conversation" tabindex="0">
    <p class="hint" hidden>Nothing has been said yet. Open this page in a second browser and say hello.</p>
    <div id="lines"></div>
    <div id="waiting"></div>
  </div>
  <form id="composer">
    <p role="alert"></p>
    <label for="message" class="hidden">Message</label>
    <textarea id="message" rows="1" maxlength="1000" placeholder="Write a message" autocomplete="off" enterkeyhint="send"></textarea>
    <button>Send</button>
  </form>
</main>
`
