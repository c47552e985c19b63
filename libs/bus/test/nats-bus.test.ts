import assert from 'node:assert/strict'
import { after, before, describe, it, type TestContext } from 'node:test'
import { connect } from '@nats-io/transport-node'
import { systemClock } from '@wakunet/service-kit'
import { recordingLogger, TestNatsServer } from '@wakunet/testing'
import { type BusRole, MAX_UNSENT_BYTES, NatsBus, type PayloadOf } from '../src/index.ts'
import { busCompliance } from './bus-compliance.ts'
import { id, membersChanged, trunkStarted, trunkStatus } from './samples.ts'
import { collector, withCode } from './support.ts'

const busOn = (server: TestNatsServer, role: BusRole, extra: { prefix?: string } = {}) =>
  new NatsBus({ servers: [server.url], role, logger: recordingLogger(), clock: systemClock, ...extra })

describe('NatsBus', () => {
  let server: TestNatsServer
  const cleanUps: (() => Promise<void> | void)[] = []
  before(async () => {
    server = await TestNatsServer.create({ after: (run) => void cleanUps.push(run) })
    await server.start()
  })
  after(async () => {
    for (const run of cleanUps.reverse()) await run()
  })

  let fixtures = 0
  busCompliance('NatsBus', async () => {
    // A prefix each: what one test leaves behind is nothing to the next.
    const prefix = `test${fixtures++}`
    const buses: NatsBus[] = []
    return {
      connect: async (role) => {
        const bus = busOn(server, role, { prefix })
        buses.push(bus)
        await bus.start()
        assert.equal(bus.connected, true)
        return bus
      },
      settled: (bus) => (bus as NatsBus).flush(),
      [Symbol.asyncDispose]: async () => {
        await Promise.all(buses.map((bus) => bus.stop()))
      },
    }
  })
})

describe('NatsBus: a server that comes and goes', () => {
  it('starts without a server, fails fast, and works as soon as there is one', async (t) => {
    const server = await TestNatsServer.create(t)
    const trunk = track(t, busOn(server, 'trunk-peer'))
    const cli = track(t, busOn(server, 'cli'))
    trunk.respond('trunk.status', () => trunkStatus)
    await Promise.all([trunk.start(), cli.start()])
    assert.equal(cli.connected, false)
    await assert.rejects(cli.request('trunk.status', {}), withCode('ERR_BUS_DISCONNECTED'))
    const up = Promise.all([trunk, cli].map((bus) => connectedOnce(bus)))
    await server.start()
    await up
    assert.deepEqual(await cli.request('trunk.status', {}), trunkStatus)
    assert.equal(cli.stats.reconnects, 0)
  })

  it('fails waiting requests when the server dies, comes back by itself and hears and answers again', async (t) => {
    const server = await TestNatsServer.create(t)
    await server.start()
    const trunk = track(t, busOn(server, 'trunk-peer'))
    const bus = track(t, busOn(server, 'vlan-switch'))
    await Promise.all([trunk.start(), bus.start()])
    const { promise: never, resolve } = Promise.withResolvers<typeof trunkStatus>()
    const asked = collector<void>(1)
    trunk.respond('trunk.status', () => {
      asked.add()
      return never
    })
    trunk.respond('trunk.members.get', () => ({ members: [] }))
    const events = collector<PayloadOf<'trunk.started'>>(1)
    bus.subscribe('trunk.started', events.add)
    await Promise.all([trunk.flush(), bus.flush()])

    const waiting = assert.rejects(bus.request('trunk.status', {}), withCode('ERR_BUS_DISCONNECTED'))
    await asked.items
    const down = downOnce(bus)
    await server.stop()
    await waiting
    await down
    await assert.rejects(
      bus.request('trunk.members.get', { vlanId: id('b') }),
      withCode('ERR_BUS_DISCONNECTED'),
    )
    const up = Promise.all([connectedOnce(trunk), connectedOnce(bus)])
    await server.start()
    await up
    assert.deepEqual(await bus.request('trunk.members.get', { vlanId: id('b') }), { members: [] })
    trunk.publish('trunk.started', trunkStarted)
    assert.deepEqual(await events.items, [trunkStarted])
    assert.equal(bus.stats.reconnects, 1)
    resolve(trunkStatus)
  })

  it('stops at once while the server is away, and gives up a start that is aborted', async (t) => {
    const server = await TestNatsServer.create(t)
    const bus = busOn(server, 'cli')
    await bus.start()
    await bus.stop()
    const abort = new AbortController()
    abort.abort(new Error('not now'))
    await assert.rejects(bus.start(abort.signal), /not now/)
    await server.start()
    await bus.start()
    assert.equal(bus.connected, true)
    await bus.stop()
  })

  it('drops events instead of queueing them without end while the server stands still', async (t) => {
    const server = await TestNatsServer.create(t)
    await server.start()
    const trunk = track(t, busOn(server, 'trunk-peer'))
    await trunk.start()
    server.freeze(true)
    const member = membersChanged('1').members[0]!
    const large = { vlanId: id('1'), members: Array.from({ length: 4_096 }, () => member) }
    const bytes = JSON.stringify(large).length
    const fits = Math.floor(MAX_UNSENT_BYTES / bytes)
    for (let i = 0; i < fits + 10; i++) trunk.publish('trunk.members.changed', large)
    assert.equal(trunk.stats.eventsPublished, fits)
    assert.equal(trunk.stats.overloaded, 10)
    server.freeze(false)
    await trunk.flush()
    trunk.publish('trunk.started', trunkStarted)
    assert.equal(trunk.stats.eventsPublished, fits + 1)
  })
})

describe('NatsBus: hostile and mistaken messages', () => {
  it('counts what is not JSON, too deep, too large or of the wrong shape, and goes on', async (t) => {
    const server = await TestNatsServer.create(t)
    await server.start()
    const trunk = track(t, busOn(server, 'trunk-peer'))
    const bus = track(t, busOn(server, 'vlan-switch'))
    await Promise.all([trunk.start(), bus.start()])
    const events = collector<unknown>(1)
    bus.subscribe('trunk.started', events.add)
    trunk.respond('trunk.status', () => trunkStatus)
    await Promise.all([trunk.flush(), bus.flush()])
    const stranger = await connect({ servers: server.url, inboxPrefix: '_INBOX.cli' })
    t.after(() => stranger.close())
    const hostile = ['', '{', 'null', '[]', '{"__proto__":1}', '['.repeat(100_000), '\xff\xfe', '"x"']
    for (const body of hostile) {
      stranger.publish('wakunet.trunk.started', Buffer.from(body, 'latin1'))
      const answer = await stranger.request('wakunet.trunk.status', Buffer.from(body, 'latin1'))
      assert.equal(answer.json<{ error: { code: string } }>().error.code, 'ERR_BUS_INVALID_PAYLOAD')
    }
    trunk.publish('trunk.started', trunkStarted)
    assert.deepEqual(await events.items, [trunkStarted])
    assert.equal(bus.stats.payloadsInvalid, hostile.length)
    assert.equal(trunk.stats.payloadsInvalid, hostile.length)
  })

  it('answers only into the inbox of a role that may ask', async (t) => {
    const server = await TestNatsServer.create(t)
    await server.start()
    const trunk = track(t, busOn(server, 'trunk-peer'))
    await trunk.start()
    trunk.respond('trunk.peers', () => assert.fail('must not be asked'))
    await trunk.flush()
    const stranger = await connect({ servers: server.url })
    t.after(() => stranger.close())
    const replies = ['wakunet.switch.join', '_INBOX.vlan-switch.x', '_INBOX.clix.x', '_INBOX.other']
    for (const reply of replies) stranger.publish('wakunet.trunk.peers', '{}', { reply })
    stranger.publish('wakunet.trunk.peers', '{}')
    await stranger.flush()
    await trunk.flush()
    assert.equal(trunk.stats.payloadsInvalid, replies.length + 1)
  })

  it('tells the requester when a reply is over the max_payload of the server', async (t) => {
    const server = await TestNatsServer.create(t, 'max_payload: 1024\n')
    await server.start()
    const trunk = track(t, busOn(server, 'trunk-peer'))
    const cli = track(t, busOn(server, 'cli'))
    await Promise.all([trunk.start(), cli.start()])
    const addresses = Array.from({ length: 20 }, (_, i) => `/dns/${'a'.repeat(100)}/tcp/${i}`)
    trunk.respond('trunk.status', () => ({ ...trunkStatus, addresses }))
    await trunk.flush()
    await assert.rejects(cli.request('trunk.status', {}), withCode('ERR_BUS_INVALID_PAYLOAD'))
    await assert.rejects(
      cli.request('directory.create', { name: 'x', description: 'y'.repeat(512), subnet4: '1'.repeat(64) }),
      withCode('ERR_BUS_NO_RESPONDER'),
    )
  })

  it('refuses a prefix that is no subject', () => {
    for (const prefix of ['', 'a b', '*', '>', 'a..b', 'a.', 'x'.repeat(40)]) {
      assert.throws(
        () =>
          new NatsBus({
            servers: [],
            role: 'cli',
            prefix,
            logger: recordingLogger(),
            clock: systemClock,
          }),
        withCode('ERR_CONFIG_INVALID'),
      )
    }
  })
})

function track(t: TestContext, bus: NatsBus): NatsBus {
  t.after(() => bus.stop())
  return bus
}

function connectedOnce(bus: NatsBus): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>()
  bus.onConnected(resolve)
  return promise
}

async function downOnce(bus: NatsBus): Promise<void> {
  while (bus.connected) await new Promise((resolve) => setTimeout(resolve, 1))
}
