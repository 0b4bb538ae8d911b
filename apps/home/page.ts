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

export const homePage = ({ hub, chat, graph }: { hub: string; chat: string; graph: string }) => html`<!doctype html>
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
