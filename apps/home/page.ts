const entities: Record<string, string> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;', "'": '&#39;' }

/** A template whose values are text, never markup. */
function html(strings: TemplateStringsArray, ...values: string[]): string {
  return String.raw({ raw: strings }, ...values.map((value) => value.replace(/[&<>"']/g, (c) => entities[c] ?? c)))
}

/** Works as it stands in any page on this hostname; this page itself does the same. */
const snippet = (hub: string) => `<script src="${hub}/static/hookbox.js"></script>
<script>
  hookbox.connect('${hub}').subscribe('load')
    .on('publish', ({ payload }) => console.log(payload))
</script>`

interface Addresses {
  hub: string
  chat: string
  graph: string
  cards: string
}

export const homePage = ({ hub, chat, graph, cards }: Addresses) => html`<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>Hookbox</title>
<link rel="icon" href="/favicon.svg">
<link rel="stylesheet" href="/home.css">
<meta name="hookbox-hub" content="${hub}">
<script src="${hub}/static/hookbox.js"></script>
<script type="module" src="/home.js"></script>
<body>
<main>
  <header>
    <p class="brand"><img src="/favicon.svg" alt="" width="30" height="30"> Hookbox</p>
    <p data-status="connecting" role="status">Connecting…</p>
  </header>
  <h1>Your application keeps the rules. Hookbox keeps the sockets.</h1>
  <p class="lead">Pages connect to Hookbox, subscribe to channels and publish in real time; whenever one of them does, Hookbox asks your web application by a plain HTTP request whether it may. The login, the rules and the database stay where they are, in whatever language they are written.</p>
  <nav aria-label="Demos">
    <a class="demo chat" href="${chat}">
      <span class="picture" aria-hidden="true"><span>Anyone here?</span><span>Sure. Come in.</span></span>
      <strong>Chat</strong>
      <span>A room with presence. Sign in with a name, open it twice, and see what the application refuses.</span>
    </a>
    <a class="demo graph" href="${graph}">
      <span class="picture" aria-hidden="true"><svg viewBox="0 0 290 100" preserveAspectRatio="none"><path class="area"/><path class="line"/></svg><output data-value="cpu"></output></span>
      <strong>Graph</strong>
      <span>How busy this machine is, polled by the hub once a second, drawn wherever somebody looks.</span>
    </a>
    <a class="demo cards" href="${cards}">
      <span class="picture" aria-hidden="true"><svg viewBox="0 0 290 136" preserveAspectRatio="xMidYMid meet"><g class="card" transform="rotate(-13 120 190)"><rect x="94" y="26" width="68" height="96" rx="7"/><path d="M128 47c4 13 26 23 26 38 0 8-6 13-13 13-4 0-8-2-11-6 1 6 3 9 7 13h-18c4-4 6-7 7-13-3 4-7 6-11 6-7 0-13-5-13-13 0-15 22-25 26-38Z"/></g><g class="card red" transform="rotate(11 160 190)"><rect x="130" y="26" width="68" height="96" rx="7"/><path d="M164 104c-17-15-28-26-28-39 0-9 7-15 14-15 6 0 11 4 14 10 3-6 8-10 14-10 7 0 14 6 14 15 0 13-11 24-28 39Z"/></g></svg></span>
      <strong>Cards</strong>
      <span>Eights for two to four. Hands come by private message, moves are checked, refused or rewritten.</span>
    </a>
  </nav>
  <section aria-labelledby="two-lines">
    <div class="above">
      <h2 id="two-lines">What makes a page real-time</h2>
      <button type="button" data-copy="#snippet">Copy</button>
    </div>
    <pre tabindex="0"><code id="snippet">${snippet(hub)}</code></pre>
    <p class="note">This page runs it too: the curve in the picture above is live.</p>
  </section>
</main>
`
