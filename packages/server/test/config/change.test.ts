import { expect, test } from 'vitest'
import { changeConfig } from '../../src/config/change.ts'
import { loadOptions } from '../../src/config/load.ts'

const { config } = loadOptions({ cbhost: 'app', webhookSecret: 'a secret of twenty-four bytes' })

test('every key of set_config changes what it names and nothing else', () => {
  const changes = {
    cbhost: 'other',
    cbport: 8080,
    cbpath: '/hooks',
    cbhttps: true,
    cbtrailingslash: true,
    cbsendhookboxversion: true,
    cb_single_url: 'https://other/hook',
    cb_connect: 'who',
    cb_create_channel: 'room',
    admin_password: 'three',
    webhook_secret: 'one',
    api_security_token: 'two',
  }
  expect(changeConfig(config, changes)).toEqual({
    ...config,
    adminPassword: 'three',
    webhookSecret: 'one',
    apiSecurityToken: 'two',
    webhooks: {
      ...config.webhooks,
      host: 'other',
      port: 8080,
      path: '/hooks',
      https: true,
      trailingSlash: true,
      sendVersion: true,
      singleUrl: 'https://other/hook',
      names: { ...config.webhooks.names, connect: 'who', create_channel: 'room' },
    },
  })
})

test.each([
  ['an unknown key', { cbhots: 'x' }, 'cbhots: cannot be changed; expected one of cbhost, cbport'],
  ['a key that needs a new start', { port: 80 }, 'port: cannot be changed'],
  ['a value of the wrong type', { cbport: 'many' }, 'cbport: expected a whole number from 1 to 65535'],
  ['an empty secret', { webhook_secret: '' }, 'webhook_secret: expected'],
])('%s is refused by name, and nothing is changed', (_name, wrong, message) => {
  const before = structuredClone(config)
  expect(() => changeConfig(config, { cbhost: 'other', ...wrong })).toThrow(message)
  expect(config).toEqual(before)
})
