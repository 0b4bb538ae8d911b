/** The one that the page is subscribed to, by the name that the generator has for it. */
export const channel = 'c0'

/** What a page has: our client, or only what no client could do without, which is to read each frame and to call a handler. */
export type Having = 'client' | 'nothing'

/** A page that counts what its handlers are told, and when: `measure` is for whoever drives the browser. */
export const html = (hubUrl: string, having: Having): string => `<!doctype html>
  <meta charset="utf-8">
  <title>Page</title>
  ${having === 'client' ? '<script src="/hookbox.js"></script>' : ''}
  <script>
    let subscribedAt, began, last, told, longTasks, wanted, done
    const observer = new PerformanceObserver((list) => longTasks.push(...list.getEntries().map((task) => task.duration)))

    // Hears each message before the client does.
    class Watched extends WebSocket {
      constructor(...args) {
        super(...args)
        this.addEventListener('message', ({ data }) => {
          const now = performance.now()
          began ??= now
          if (subscribedAt === undefined && data.includes('"SUBSCRIBED"')) subscribedAt = now
        })
      }
    }

    const measure = {
      start(events) {
        wanted = events
        told = 0
        longTasks = []
        began = last = undefined
      },
      all: () => new Promise((resolve) => {
        done = resolve
        if (told >= wanted) resolve()
      }),
      read() {
        longTasks.push(...observer.takeRecords().map((task) => task.duration))
        return { told, took: last - began, longTasks: longTasks.length, longest: Math.max(0, ...longTasks) }
      },
      holds: () => ({ history: sub.history.length, present: sub.present, status: sub.status }),
    }
    measure.start(0)
    observer.observe({ type: 'longtask' })

    const count = () => {
      last = performance.now()
      told++
      if (told === wanted) done?.()
    }
    ${having === 'client' ? withClient(hubUrl) : withNothing(hubUrl)}
  </script>`

const withClient = (hubUrl: string): string => `
    const conn = hookbox.connect('${hubUrl}', { payload: { name: 'page' }, WebSocket: Watched })
    const sub = conn.subscribe('${channel}')
    measure.ready = sub.ready.then(() => performance.now() - subscribedAt)
    for (const name of ['publish', 'subscribe', 'unsubscribe']) sub.on(name, count)`

const withNothing = (hubUrl: string): string => `
    const sub = { history: [], status: 'subscribed' }
    measure.ready = new Promise((resolve) => {
      const handlers = { PUBLISH: count, SUBSCRIBED: () => resolve(performance.now() - subscribedAt) }
      const socket = new Watched('${hubUrl.replace(/^http/, 'ws')}/ws', 'hookbox.v1')
      socket.addEventListener('open', () => {
        socket.send('[1,"CONNECT",{"payload":{"name":"page"}}]\\n[2,"SUBSCRIBE",{"channel_name":"${channel}"}]')
      })
      socket.addEventListener('message', ({ data }) => {
        for (const line of data.split('\\n')) {
          const [, name, args] = JSON.parse(line)
          handlers[name]?.(args)
        }
      })
    })`
