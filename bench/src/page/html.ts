/** The one that the page is subscribed to, by the name that the generator has for it. */
export const channel = 'c0'

/** A page that counts what its handlers are told, and when: `measure` is for whoever drives the browser. */
export const html = (hubUrl: string): string => `<!doctype html>
  <meta charset="utf-8">
  <title>Page</title>
  <script src="/hookbox.js"></script>
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

    const conn = hookbox.connect('${hubUrl}', { payload: { name: 'page' }, WebSocket: Watched })
    const sub = conn.subscribe('${channel}')
    measure.ready = sub.ready.then(() => performance.now() - subscribedAt)
    const count = () => {
      last = performance.now()
      told++
      if (told === wanted) done?.()
    }
    for (const name of ['publish', 'subscribe', 'unsubscribe']) sub.on(name, count)
  </script>`
