import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { parseBusUrl } from '../src/bus-url.ts'
import { openClient } from '../src/open-client.ts'

describe('--bus', () => {
  test('holds server, user, password and prefix', () => {
    assert.deepEqual(parseBusUrl('nats://cli:p%40ss@127.0.0.1:4222/node7'), {
      server: 'nats://127.0.0.1:4222',
      user: 'cli',
      password: 'p@ss',
      prefix: 'node7',
    })
    assert.deepEqual(parseBusUrl('nats://[::1]:4222'), {
      server: 'nats://[::1]:4222',
      user: undefined,
      password: undefined,
      prefix: undefined,
    })
  })

  test('anything else is refused without showing a password', () => {
    for (const text of ['http://u:secret@h', 'nats://', 'banana', 'nats://u:secret@h?x=1', 'nats://h/%']) {
      assert.throws(
        () => parseBusUrl(text),
        (error: Error & { code?: string }) => error.code === 'ERR_USAGE' && !error.message.includes('secret'),
        text,
      )
    }
  })

  test('a server that is not there is told as such', async () => {
    await assert.rejects(openClient({ json: false, bus: 'nats://127.0.0.1:1' }, {}), {
      code: 'ERR_NOT_RUNNING',
      message: /127\.0\.0\.1:1/,
    })
  })
})
