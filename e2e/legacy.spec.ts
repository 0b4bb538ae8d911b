import { startHubProcess, startWebApplication } from '@hookbox/testkit'
import { expect, test } from './fixtures.ts'

test('a page in the style of 2010 needs the script and nothing else: two people talk, come and go', async ({
  servePage,
  openPage,
}) => {
  await using app = await startWebApplication({
    create_channel: [true, { history_size: 20, presenceful: true, reflective: true, state: { topic: 'cats' } }],
    publish: (fields) => (fields.payload?.includes('spam') ? [false, { msg: 'no spam' }] : [true, {}]),
  })
  await using hub = await startHubProcess(['--cbhost', '127.0.0.1', '--cbport', `${app.port}`])
  const url = await servePage(`<!doctype html>
    <title>2010</title>
    <h1></h1>
    <ul id="lines"></ul>
    <ul id="people"></ul>
    <p role="alert"></p>
    <input aria-label="Message">
    <button id="send">Send</button>
    <button id="leave">Leave</button>
    <script src="${hub.url}/static/hookbox.js"></script>
    <script>
      hookbox.logging.get('net.protocols.hookbox').setLevel(hookbox.logging.DEBUG)
      var subscription = null
      var element = function (id) { return document.getElementById(id) }
      var add = function (list, text) {
        var item = document.createElement('li')
        item.appendChild(document.createTextNode(text))
        element(list).appendChild(item)
      }
      var showPeople = function () {
        element('people').innerHTML = ''
        for (var i = 0; i < subscription.presence.length; i++) add('people', subscription.presence[i])
      }
      var conn = hookbox.connect('${hub.url}/csp', { name: location.search.slice(1) })
      conn.onOpen = function () { document.querySelector('h1').innerHTML = conn.username }
      conn.onError = function (err) { document.querySelector('p').innerHTML = err.msg }
      conn.onSubscribed = function (channelName, _subscription, args) {
        subscription = _subscription
        for (var i = 0; i < subscription.history.length; i++) {
          var entry = subscription.history[i]
          if (entry[0] === 'PUBLISH') add('lines', entry[1].user + ': ' + subscription.history[i][1].payload)
        }
        add('lines', channelName + ' is about ' + args.state.topic)
        showPeople()
        subscription.onPublish = function (frame) { add('lines', frame.user + ': ' + frame.payload) }
        subscription.onSubscribe = function (frame) { add('lines', frame.user + ' came'); showPeople() }
        subscription.onUnsubscribe = function (frame) { add('lines', frame.user + ' went'); showPeople() }
        subscription.onState = function (frame) { add('lines', 'now about ' + frame.updates.topic) }
      }
      conn.onUnsubscribed = function (sub) { add('lines', 'out of ' + sub.channelName + ': ' + sub.canceled) }
      conn.subscribe('chat')
      element('send').onclick = function () { subscription.publish(document.querySelector('input').value) }
      element('leave').onclick = function () { subscription.cancel() }
    </script>`)

  const enter = async (name: string) => {
    const page = await openPage(`${url}/?${name}`)
    await expect(page.getByRole('heading')).toHaveText(name)
    return {
      page,
      lines: page.locator('#lines li'),
      people: page.locator('#people li'),
      async say(text: string) {
        await page.getByLabel('Message').fill(text)
        await page.getByRole('button', { name: 'Send' }).click()
      },
    }
  }
  const ann = await enter('ann')
  await expect(ann.lines).toHaveText(['chat is about cats'])
  await expect(ann.people).toHaveText(['ann'])
  await ann.say('anyone here?')
  await expect(ann.lines).toHaveText(['chat is about cats', 'ann: anyone here?'])

  const bob = await enter('bob')
  await expect(bob.lines).toHaveText(['ann: anyone here?', 'chat is about cats'])
  await expect(bob.people).toHaveText(['ann', 'bob'])
  await bob.say('I am')
  await expect(ann.lines).toHaveText(['chat is about cats', 'ann: anyone here?', 'bob came', 'bob: I am'])

  await bob.say('buy spam')
  await expect(bob.page.getByRole('alert')).toHaveText('no spam')

  await bob.page.getByRole('button', { name: 'Leave' }).click()
  await expect(bob.lines.last()).toHaveText('out of chat: true')
  await expect(ann.lines.last()).toHaveText('bob went')
  await expect(ann.people).toHaveText(['ann'])
})
