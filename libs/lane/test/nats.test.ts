import assert from 'node:assert/strict'
import { after, before, describe, it, type TestContext } from 'node:test'
import { connect, type NatsConnection } from '@nats-io/transport-node'
import { natsServerConfig } from '@wakunet/bus'
import { MAX_LANE_MESSAGE_BYTES, MAX_LANE_QUEUE_BYTES, WakunetError } from '@wakunet/interface'
import { systemClock } from '@wakunet/service-kit'
import {
  checkProperty,
  FakeClock,
  recordingLogger,
  seededBytes,
  TestNatsServer,
  withSeed,
} from '@wakunet/testing'
import fc from 'fast-check'
import {
  NatsLaneClient,
  NatsLaneServer,
  natsLaneClientPermissions,
  natsLaneServerPermissions,
} from '../src/index.ts'
import { MAX_LANE_CLIENTS } from '../src/limits.ts'
import {
  decodeControl,
  encodeControl,
  NO_SERVER,
  newId,
  parseUpSubject,
  upSubject,
} from '../src/nats-wire.ts'
import { laneCompliance, listen, text, until } from './lane-compliance.ts'
import { socketLaneCompliance } from './socket-compliance.ts'

const common = () => ({ logger: recordingLogger(), clock: systemClock })

describe('NATS lane', () => {
  let nats: TestNatsServer
  const cleanUps: (() => Promise<void> | void)[] = []
  before(async () => {
    nats = await TestNatsServer.create({ after: (run) => void cleanUps.push(run) })
    await nats.start()
  })
  after(async () => {
    for (const run of cleanUps.reverse()) await run()
  })

  let fixtures = 0
  const makeFixture = async () => {
    // A prefix each: what one test leaves behind is nothing to the next.
    const prefix = `test${fixtures++}`
    const server = new NatsLaneServer({ servers: [nats.url], prefix, ...common() })
    const clients: NatsLaneClient[] = []
    const makeClient = (name: string) => {
      const client = new NatsLaneClient({ servers: [nats.url], prefix, name, ...common() })
      clients.push(client)
      return client
    }
    return {
      server,
      makeClient,
      [Symbol.asyncDispose]: async () => {
        await Promise.all(clients.map((client) => client.stop()))
        await server.stop()
      },
    }
  }

  laneCompliance('NATS lane', async () => {
    const fixture = await makeFixture()
    return { ...fixture, client: fixture.makeClient('vlan-switch') }
  })
  socketLaneCompliance('NATS lane', makeFixture)
})

describe('NATS lane: NATS and the other side come and go', () => {
  it('starts without NATS, and connects again whenever it is back', async (t) => {
    const nats = await TestNatsServer.create(t)
    const { server, client } = lane(t, nats)
    await Promise.all([server.start(), client.start()])
    assert.equal(client.connected, false)
    for (let i = 0; i < 2; i++) {
      await nats.start()
      await until(() => client.connected && server.connections.size === 1)
      const connection = server.connections.get('vlan-switch')!
      const received = listen(connection, 1)
      client.send([text('through')])
      assert.deepEqual(await received, ['through'])
      await nats.stop()
      await until(() => !client.connected && server.connections.size === 0 && !connection.connected)
    }
  })

  it('notices within 3 s that the client is gone without a word, and not while it says hello', async (t) => {
    const nats = await TestNatsServer.create(t)
    await nats.start()
    const clock = new FakeClock()
    const server = new NatsLaneServer({ servers: [nats.url], logger: recordingLogger(), clock })
    t.after(() => server.stop())
    await server.start()
    const stranger = await strangerOn(t, nats)
    const hello = upSubject('wakunet', 'frail', newId(), 'hello')
    stranger.publish(hello, encodeControl(NO_SERVER))
    await until(() => server.connections.has('frail'))
    const connection = server.connections.get('frail')!
    for (let i = 0; i < 5; i++) {
      const answered = Promise.withResolvers<void>()
      const welcome = hello.replace('.up.', '.down.').replace('hello', 'welcome')
      stranger.subscribe(welcome, { max: 1, callback: () => answered.resolve() })
      stranger.publish(hello, encodeControl(NO_SERVER))
      await answered.promise
      clock.advance(1_000)
    }
    assert.equal(connection.connected, true)
    clock.advance(2_000)
    assert.equal(connection.connected, false)
    assert.equal(server.connections.size, 0)
  })

  it('notices within 3 s that the server is gone without a word', async (t) => {
    const nats = await TestNatsServer.create(t)
    await nats.start()
    const clock = new FakeClock()
    const logger = recordingLogger()
    const client = new NatsLaneClient({ servers: [nats.url], name: 'vlan-switch', logger, clock })
    t.after(() => client.stop())
    const stranger = await strangerOn(t, nats)
    stranger.subscribe('wakunet.lane.up.vlan-switch.*.hello', {
      max: 1,
      callback: (_error, message) => {
        const welcome = message.subject.replace('.up.', '.down.').replace('hello', 'welcome')
        stranger.publish(welcome, encodeControl(newId()))
      },
    })
    await stranger.flush()
    await client.start()
    await until(() => client.connected)
    clock.advance(2_000)
    assert.equal(client.connected, true)
    await clock.advanceAsync(1_000)
    assert.equal(client.connected, false)
  })

  it('bounds what waits while NATS stands still, and counts what it drops', async (t) => {
    const nats = await TestNatsServer.create(t)
    await nats.start()
    const { server, client } = lane(t, nats)
    await Promise.all([server.start(), client.start()])
    await until(() => client.connected && server.connections.size === 1)
    const connection = server.connections.get('vlan-switch')!
    nats.freeze(true)
    const message = new Uint8Array(64 * 1024)
    const calls = 200
    for (let i = 0; i < calls; i++) client.send([message])
    const { messagesSent, messagesDropped, queuedBytes } = client.stats
    assert.equal(messagesSent + messagesDropped, calls)
    assert.equal(messagesSent, Math.floor(MAX_LANE_QUEUE_BYTES / (64 * 1024 + 128)))
    assert.ok(queuedBytes <= MAX_LANE_QUEUE_BYTES)
    const { promise, resolve } = Promise.withResolvers<void>()
    let received = 0
    connection.onMessage = () => ++received === messagesSent && resolve()
    nats.freeze(false)
    await promise
    await until(() => client.stats.queuedBytes === 0)
    client.send([message])
    assert.equal(client.stats.messagesDropped, messagesDropped)
  })

  it('drops and counts messages over the max_payload of the server', async (t) => {
    const nats = await TestNatsServer.create(t, 'max_payload: 65536\n')
    await nats.start()
    const { server, client, logger } = lane(t, nats)
    await Promise.all([server.start(), client.start()])
    await until(() => client.connected && server.connections.size === 1)
    const received = listen(server.connections.get('vlan-switch')!, 1)
    client.send([new Uint8Array(65_537)])
    client.send([text('small')])
    assert.deepEqual(await received, ['small'])
    assert.equal(client.stats.messagesDropped, 1)
    assert.equal(logger.messages('error').length, 1)
  })
})

describe('NATS lane: hostile messages', () => {
  it('survives anything on its subjects; honest traffic goes on', async (t) => {
    const nats = await TestNatsServer.create(t)
    await nats.start()
    const { server, client } = lane(t, nats)
    await Promise.all([server.start(), client.start()])
    await until(() => client.connected && server.connections.size === 1)
    const stranger = await strangerOn(t, nats)
    const seen = Promise.withResolvers<string>()
    stranger.subscribe('wakunet.lane.up.vlan-switch.>', {
      callback: (_error, message) => seen.resolve(message.subject.split('.')[4]!),
    })
    const session = await seen.promise
    await withSeed((random) => {
      for (let i = 0; i < 200; i++) {
        const bytes = seededBytes(Math.floor(random() * 40), random)
        const kind = ['hello', 'bye', 'data', 'other', 'welcome'][i % 5]!
        stranger.publish(`wakunet.lane.up.evil.${newId()}.${kind}`, bytes)
        stranger.publish(`wakunet.lane.up.ev%il.nothex.${kind}`, bytes)
        // Into the honest client's own session: what it may not disturb is all but bye and data.
        if (kind === 'welcome' || kind === 'other') {
          stranger.publish(`wakunet.lane.down.vlan-switch.${session}.${kind}`, bytes)
        }
      }
    })
    stranger.publish(
      `wakunet.lane.up.vlan-switch.${session}.data`,
      new Uint8Array(MAX_LANE_MESSAGE_BYTES + 1),
    )
    await stranger.flush()
    const connection = server.connections.get('vlan-switch')!
    const received = listen(connection, 1)
    client.send([text('still here')])
    assert.deepEqual(await received, ['still here'])
    assert.equal(connection.stats.messagesInvalid, 1)
    assert.equal(client.stats.messagesInvalid, 80)
    assert.ok(server.stats.connectionsRefused > 200)
    assert.equal(server.stats.messagesUnattached, 40)
    assert.deepEqual([...server.connections.keys()], ['vlan-switch'])
  })

  it('attaches a bounded number of clients', async (t) => {
    const nats = await TestNatsServer.create(t)
    await nats.start()
    const { server } = lane(t, nats)
    await server.start()
    const stranger = await strangerOn(t, nats)
    for (let i = 0; i < MAX_LANE_CLIENTS + 5; i++) {
      stranger.publish(upSubject('wakunet', `client-${i}`, newId(), 'hello'), encodeControl(NO_SERVER))
    }
    await until(() => server.stats.connectionsRefused === 5)
    assert.equal(server.connections.size, MAX_LANE_CLIENTS)
  })

  it('does not bring back a session that has ended, or that belongs to an earlier server', async (t) => {
    const nats = await TestNatsServer.create(t)
    await nats.start()
    const { server } = lane(t, nats)
    await server.start()
    const stranger = await strangerOn(t, nats)
    const goodbyes = new Set<string>()
    stranger.subscribe('wakunet.lane.down.late.*.bye', {
      callback: (_error, message) => void goodbyes.add(message.subject.split('.')[4]!),
    })
    const [ended, foreign] = [newId(), newId()]
    stranger.publish(upSubject('wakunet', 'late', ended, 'hello'), encodeControl(NO_SERVER))
    stranger.publish(upSubject('wakunet', 'late', ended, 'bye'))
    stranger.publish(upSubject('wakunet', 'late', ended, 'hello'), encodeControl(NO_SERVER))
    stranger.publish(upSubject('wakunet', 'late', foreign, 'hello'), encodeControl(newId()))
    await until(() => goodbyes.has(ended) && goodbyes.has(foreign))
    assert.equal(server.connections.size, 0)
  })

  it('decodes control messages exactly, and no others', async () => {
    const id = newId()
    const bytes = encodeControl(id)
    assert.equal(decodeControl(bytes), id)
    for (let length = 0; length < bytes.length; length++) {
      assert.equal(decodeControl(bytes.subarray(0, length)), null)
    }
    assert.equal(decodeControl(Buffer.concat([bytes, text('x')])), null)
    await checkProperty(
      fc.property(fc.uint8Array({ maxLength: 20 }), (random) => {
        const decoded = decodeControl(random)
        if (decoded !== null) assert.deepEqual(new Uint8Array(encodeControl(decoded)), random)
      }),
    )
  })

  it('parses only its own subjects', async () => {
    const id = newId()
    assert.deepEqual(parseUpSubject('p', upSubject('p', 'a-b', id, 'hello')), {
      name: 'a-b',
      session: id,
      kind: 'hello',
    })
    await checkProperty(
      fc.property(fc.string(), (random) => {
        assert.equal(parseUpSubject('p', `p.lane.up.${random}`), null)
      }),
    )
  })
})

describe('NATS lane: permissions', () => {
  it('are enough for the lane, and keep a client to its own name', async (t) => {
    const users = [
      { user: 'server', password: 'a', permissions: natsLaneServerPermissions('wakunet') },
      { user: 'client', password: 'b', permissions: natsLaneClientPermissions('wakunet', 'vlan-switch') },
    ]
    const nats = await TestNatsServer.create(t, natsServerConfig(users))
    await nats.start()
    const { server, client, logger } = lane(t, nats, {
      server: { user: 'server', password: 'a' },
      client: { user: 'client', password: 'b' },
    })
    await Promise.all([server.start(), client.start()])
    await until(() => client.connected && server.connections.size === 1)
    const connection = server.connections.get('vlan-switch')!
    const both = Promise.all([listen(connection, 1), listen(client, 1)])
    client.send([text('up')])
    connection.send([text('down')])
    assert.deepEqual(await both, [['up'], ['down']])
    const other = new NatsLaneClient({
      servers: [nats.url],
      name: 'other',
      credentials: { user: 'client', password: 'b' },
      ...common(),
    })
    t.after(() => other.stop())
    await other.start()
    await client.stop()
    await until(() => server.connections.size === 0)
    assert.equal(other.connected, false)
    assert.deepEqual(logger.messages('error'), [])
  })

  it('refuses names and prefixes that would be something else on NATS', () => {
    const invalid = (error: unknown) => error instanceof WakunetError && error.code === 'ERR_CONFIG_INVALID'
    for (const name of ['', '*', '>', 'a.b', 'a b']) {
      assert.throws(() => new NatsLaneClient({ servers: [], name, ...common() }), invalid)
      assert.throws(() => natsLaneClientPermissions('wakunet', name), invalid)
    }
    assert.throws(() => new NatsLaneServer({ servers: [], prefix: '>', ...common() }), invalid)
  })
})

type Credentials = { user: string; password: string }

function lane(t: TestContext, nats: TestNatsServer, credentials?: Record<'server' | 'client', Credentials>) {
  const logger = recordingLogger()
  const init = { servers: [nats.url], logger, clock: systemClock }
  const as = (side: 'server' | 'client') =>
    credentials === undefined ? {} : { credentials: credentials[side] }
  const server = new NatsLaneServer({ servers: [nats.url], ...common(), ...as('server') })
  const client = new NatsLaneClient({ ...init, name: 'vlan-switch', ...as('client') })
  t.after(() => client.stop())
  t.after(() => server.stop())
  return { server, client, logger }
}

async function strangerOn(t: TestContext, nats: TestNatsServer): Promise<NatsConnection> {
  const stranger = await connect({ servers: nats.url })
  t.after(() => stranger.close())
  return stranger
}
