const entities: Record<string, string> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;', "'": '&#39;' }

/** A template whose values are text, never markup. */
function html(strings: TemplateStringsArray, ...values: string[]): string {
  return String.raw({ raw: strings }, ...values.map((value) => value.replace(/[&<>"']/g, (c) => entities[c] ?? c)))
}

const head = `<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<link rel="icon" href="/favicon.svg">
<link rel="stylesheet" href="/cards.css">`

/** Everything on a card and on the table that is not made of text or of CSS. */
const shapes = `
<svg class="hidden" aria-hidden="true">
  <symbol id="suit-S" viewBox="0 0 100 100"><path d="M50 4C57 24 93 41 93 65c0 13-9 21-20 21-8 0-14-4-18-10 1 9 4 15 10 21H35c6-6 9-12 10-21-4 6-10 10-18 10C16 86 7 78 7 65 7 41 43 24 50 4Z"/></symbol>
  <symbol id="suit-H" viewBox="0 0 100 100"><path d="M50 94C22 70 5 52 5 31 5 16 16 7 28 7c10 0 18 6 22 15C54 13 62 7 72 7c12 0 23 9 23 24 0 21-17 39-45 63Z"/></symbol>
  <symbol id="suit-D" viewBox="0 0 100 100"><path d="M50 3c9 18 20 33 36 47-16 14-27 29-36 47-9-18-20-33-36-47C30 36 41 21 50 3Z"/></symbol>
  <symbol id="suit-C" viewBox="0 0 100 100"><path d="M50 5a21 21 0 0 1 17 34 21 21 0 1 1-13 35c1 9 4 16 11 22H35c7-6 10-13 11-22a21 21 0 1 1-13-35A21 21 0 0 1 50 5Z"/></symbol>
  <symbol id="crown-J" viewBox="0 0 60 30"><path d="M4 28c3-5 7-8 12-9C16 10 21 6 28 6s13 4 13 13c6 1 11 4 15 9Z"/><path d="M41 13C42 5 48 0 58 0c0 8-6 14-16 17Z"/></symbol>
  <symbol id="crown-Q" viewBox="0 0 60 30"><path d="M9 27 5 10l12 7L30 5l13 12 12-7-4 17Z"/><circle cx="5" cy="7" r="3.4"/><circle cx="30" cy="3.4" r="3.4"/><circle cx="55" cy="7" r="3.4"/></symbol>
  <symbol id="crown-K" viewBox="0 0 60 30"><path d="M8 27 4 6l11 9 6-11 6 8V7h-4V3h4V0h6v3h4v4h-4v5l6-8 6 11 11-9-4 21Z"/></symbol>
</svg>`

const suitButtons = (['Spades', 'Hearts', 'Diamonds', 'Clubs'] as const)
  .map((name) => {
    const shape = `<svg class="suit" data-suit="${name[0]}" aria-hidden="true"><use href="#suit-${name[0]}"/></svg>`
    return `<button value="${name[0]}">${shape} ${name}</button>`
  })
  .join('\n    ')

const rules = `
    <li>Two to four play. Two get seven cards each, three or four get five.</li>
    <li>On your turn, play a card of the same suit or the same rank as the one on top.</li>
    <li>An eight fits always, and whoever plays it names the suit that goes on.</li>
    <li>If nothing fits, or you do not want to, draw one card. If one fits then, play it or pass.</li>
    <li>Whoever has no cards left wins. If nobody can go on, the fewest cards win.</li>`

export const signInPage = ({ name = '', error = '' }: { name?: string; error?: string }) =>
  head +
  html`
<title>Sign in · Hookbox cards</title>
<body class="door">
<main>
  <img src="/favicon.svg" alt="" width="44" height="44">
  <h1>Sit down</h1>
  <p class="lead">A table for two to four, a pack of cards, and a game that you know. Say who you are; that is all it takes.</p>
  <form method="post" action="/sign-in">
    <label for="name">Your name</label>
    <input id="name" name="name" value="${name}" maxlength="20" autocomplete="nickname" autocapitalize="words" spellcheck="false" required autofocus>
    <p role="alert">${error}</p>
    <button>Sign in</button>
  </form>
</main>
`

export const tablePage = ({ name, hub }: { name: string; hub: string }) =>
  head +
  html`
<title>Hookbox cards</title>
<meta name="hookbox-hub" content="${hub}">
<script src="${hub}/static/hookbox.js"></script>
<script type="module" src="/cards.js"></script>
<body class="room" data-user="${name}">` +
  shapes +
  html`
<header>
  <h1><img src="/favicon.svg" alt="" width="26" height="26"> Hookbox cards</h1>
  <p data-status="connecting" role="status">Connecting…</p>
  <form method="post" action="/sign-out"><span class="me">${name}</span> <button type="button" class="quiet" id="show-rules">Rules</button> <button class="quiet">Sign out</button></form>
</header>
<main>
  <section class="felt" aria-label="Table" data-phase="waiting">
    <ul id="seats" aria-label="Players"></ul>
    <div class="middle">
      <button type="button" id="deck" aria-label="Draw a card"><span class="back"></span><span class="back"></span><span class="back"></span><span class="count" aria-hidden="true"></span></button>
      <div id="pile" role="img" aria-label="No card yet"></div>
      <p id="suit"><svg class="suit" aria-hidden="true"><use/></svg><span></span></p>
    </div>
    <p id="turn" role="status"></p>
    <p role="alert"></p>
    <div class="actions">
      <button type="button" data-move="sit" hidden>Take a seat</button>
      <button type="button" data-move="deal" hidden>Deal</button>
      <button type="button" data-move="pass" hidden>Pass</button>
      <button type="button" class="quiet" data-move="leave" hidden>Leave the table</button>
    </div>
    <ul id="hand" aria-label="Your hand"></ul>
  </section>
  <aside>
    <h2 id="so-far">What has happened</h2>
    <div role="log" aria-labelledby="so-far" tabindex="0"></div>
    <p id="watching"></p>
  </aside>
</main>
<dialog id="choose" aria-labelledby="choose-title">
  <form method="dialog">
    <h2 id="choose-title">Which suit goes on?</h2>
    <div class="suits">
    ` +
  suitButtons +
  html`
    </div>
    <button class="quiet" value="">Keep the eight</button>
  </form>
</dialog>
<dialog id="rules" aria-labelledby="rules-title">
  <form method="dialog">
    <h2 id="rules-title">Eights</h2>
    <ul>` +
  rules +
  html`
    </ul>
    <button>Play</button>
  </form>
</dialog>
`
