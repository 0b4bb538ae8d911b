/** The hub's address comes from the Host header, so it is text until it is escaped. */
const escaped = (text: string) => text.replace(/[&<>"']/g, (c) => `&#${c.charCodeAt(0)};`)

export function graphPage(hubUrl: string): string {
  const hub = escaped(hubUrl)
  return `<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>Hookbox graph</title>
<link rel="icon" href="/favicon.svg">
<link rel="stylesheet" href="/graph.css">
<meta name="hookbox-hub" content="${hub}">
<script src="${hub}/static/hookbox.js"></script>
<script src="/chart.js"></script>
<script type="module" src="/graph.js"></script>
<body>
<header>
  <p class="brand"><img src="/favicon.svg" alt="" width="26" height="26"> Hookbox graph</p>
  <p data-status="connecting" role="status">Connecting…</p>
</header>
<main>
  <h1>How busy this machine is</h1>
  <p class="lead">One measurement a second, from the server to everyone who is looking. <span data-watching></span></p>
  <dl>
    <div class="cpu"><dt>Processor</dt><dd><span data-value="cpu">–</span></dd></div>
    <div class="memory"><dt>Memory</dt><dd><span data-value="memory">–</span></dd></div>
  </dl>
  <figure>
    <div class="chart"><canvas role="img" aria-label="Processor and memory use, the last 30 seconds" data-points="0"></canvas></div>
    <figcaption><span>30 seconds ago</span><span>now</span></figcaption>
  </figure>
  <section>
    <button type="button">Try to publish</button>
    <p class="why">The hub will ask the application first.</p>
    <p role="alert"></p>
  </section>
</main>
`
}
