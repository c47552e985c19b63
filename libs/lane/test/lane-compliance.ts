import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { describe, it } from 'node:test'
import {
  type LaneClient,
  type LaneConnection,
  type LaneServer,
  MAX_LANE_MESSAGE_BYTES,
  WakunetError,
} from '@wakunet/interface'
import { seededBytes, withSeed } from '@wakunet/testing'

/** One lane under test; neither side is started. */
export interface LaneFixture extends AsyncDisposable {
  readonly server: LaneServer
  readonly client: LaneClient
}

export type MakeLane = () => Promise<LaneFixture>

/** What every implementation of the frame lane does, whatever carries it. */
export function laneCompliance(name: string, make: MakeLane): void {
  describe(`${name}: messages`, () => messageCompliance(make))
  describe(`${name}: connections`, () => connectionCompliance(make))
}

function messageCompliance(make: MakeLane): void {
  it('delivers whole messages of any size, intact and in order, both ways at once', async () => {
    await using lane = await attach(make)
    await withSeed(async (random) => {
      const sizes = [0, 1, 2, 3, 4, 5, 60 * 1024, MAX_LANE_MESSAGE_BYTES - 1, MAX_LANE_MESSAGE_BYTES]
      for (let i = 0; i < 60; i++) sizes.push(Math.floor(random() ** 4 * MAX_LANE_MESSAGE_BYTES))
      await Promise.all([
        exchange(lane.client, lane.connection, sizes, random),
        exchange(lane.connection, lane.client, [...sizes].reverse(), random),
      ])
    })
  })

  it('puts the parts of a message together', async () => {
    await using lane = await attach(make)
    const received = listen(lane.connection, 3)
    lane.client.send([text('a'), text(''), text('bc'), text('d')])
    lane.client.send([])
    lane.client.send([text('one')])
    assert.deepEqual(await received, ['abcd', '', 'one'])
  })

  it('lets the sender reuse its buffers as soon as send returns', async () => {
    await using lane = await attach(make)
    const count = 2_000
    const received = listen(lane.connection, count)
    const header = new Uint8Array(4)
    const body = new Uint8Array(300)
    for (let i = 0; i < count; i++) {
      new DataView(header.buffer).setUint32(0, i)
      body.fill(i)
      lane.client.send([header, body])
      header.fill(0xff)
      body.fill(0xff)
    }
    const expected = Array.from({ length: count }, (_, i) => {
      const message = Buffer.alloc(304, i & 0xff)
      message.writeUInt32BE(i, 0)
      return message.toString('latin1')
    })
    assert.deepEqual(await received, expected)
  })

  it('lets the receiver write into the message, and keeps nothing of that', async () => {
    await using lane = await attach(make)
    const { promise, resolve } = Promise.withResolvers<string[]>()
    const seen: string[] = []
    lane.connection.onMessage = (message) => {
      seen.push(Buffer.from(message).toString('latin1'))
      message.fill(0)
      if (seen.length === 3) resolve(seen)
    }
    for (const word of ['first', 'second', 'third']) lane.client.send([text(word), text('!')])
    assert.deepEqual(await promise, ['first!', 'second!', 'third!'])
  })

  it('answers from within a handler, any number of times, in order', async () => {
    await using lane = await attach(make)
    const rounds = 2_000
    const { promise, resolve } = Promise.withResolvers<void>()
    const order: number[] = []
    const counter = new Uint8Array(4)
    const view = new DataView(counter.buffer)
    lane.connection.onMessage = (message) =>
      lane.connection.send([message.subarray(0, 2), message.subarray(2)])
    lane.client.onMessage = (message) => {
      const round = new DataView(message.buffer, message.byteOffset).getUint32(0)
      order.push(round)
      if (round + 1 === rounds) return resolve()
      view.setUint32(0, round + 1)
      lane.client.send([counter])
    }
    lane.client.send([counter])
    await promise
    assert.equal(order.length, rounds)
    assert.ok(order.every((round, i) => round === i))
  })

  it('refuses a message that is too large, and goes on', async () => {
    await using lane = await attach(make)
    const received = listen(lane.connection, 1)
    const half = new Uint8Array(MAX_LANE_MESSAGE_BYTES / 2)
    assert.throws(
      () => lane.client.send([half, half, new Uint8Array(1)]),
      (error) => error instanceof WakunetError && error.code === 'ERR_LANE_MESSAGE_TOO_LARGE',
    )
    lane.client.send([text('next')])
    assert.deepEqual(await received, ['next'])
    assert.equal(lane.client.stats.messagesInvalid, 1)
    assert.equal(lane.client.stats.messagesSent, 1)
  })

  it('drops and counts messages that find no handler', async () => {
    await using lane = await attach(make)
    lane.client.send([text('lost')])
    lane.client.send([text('lost too')])
    await until(() => lane.connection.stats.messagesDropped === 2)
    assert.equal(lane.connection.stats.messagesReceived, 0)
    const received = listen(lane.connection, 1)
    lane.client.send([text('kept')])
    assert.deepEqual(await received, ['kept'])
  })

  it('survives a handler that throws, and counts the message as invalid', async () => {
    await using lane = await attach(make)
    const { promise, resolve } = Promise.withResolvers<void>()
    let calls = 0
    lane.connection.onMessage = () => {
      if (++calls === 2) resolve()
      else throw new Error('on purpose')
    }
    lane.client.send([text('a')])
    lane.client.send([text('b')])
    await promise
    assert.equal(lane.connection.stats.messagesInvalid, 1)
    assert.equal(lane.connection.stats.messagesReceived, 2)
  })

  it('counts messages and bytes exactly on both sides', async () => {
    await using lane = await attach(make)
    const received = listen(lane.connection, 3)
    for (const word of ['', 'abc', 'defg']) lane.client.send([text(word)])
    await received
    const { client, connection } = lane
    assert.deepEqual(
      [client.stats.messagesSent, client.stats.bytesSent, client.stats.messagesDropped],
      [3, 7, 0],
    )
    assert.deepEqual([connection.stats.messagesReceived, connection.stats.bytesReceived], [3, 7])
    assert.equal(client.stats.messagesReceived, 0)
    await until(() => client.stats.queuedBytes === 0)
  })
}

function connectionCompliance(make: MakeLane): void {
  it('connects in either order of starting, and names the client on both sides', async () => {
    for (const order of [
      ['server', 'client'],
      ['client', 'server'],
    ] as const) {
      await using lane = await make()
      const connected = connections(lane)
      for (const side of order) await lane[side].start()
      const connection = await connected
      assert.equal(connection.name, lane.client.name)
      assert.equal(lane.server.connections.get(lane.client.name), connection)
      assert.equal(lane.client.connected, true)
      assert.equal(connection.connected, true)
    }
  })

  it('drops and counts what is sent while not connected', async () => {
    await using lane = await make()
    lane.client.send([text('early')])
    assert.equal(lane.client.stats.messagesDropped, 1)
    assert.equal(lane.client.stats.messagesSent, 0)
    assert.equal(lane.client.connected, false)
  })

  it('carries messages that are sent from within onConnect and onConnection', async () => {
    await using lane = await make()
    const toClient = listen(lane.client, 1)
    const { promise: toServer, resolve } = Promise.withResolvers<string[]>()
    lane.server.onConnection = (connection) => {
      listen(connection, 1).then(resolve)
      connection.send([text('welcome')])
    }
    lane.client.onConnect = () => lane.client.send([text('hello')])
    await lane.server.start()
    await lane.client.start()
    assert.deepEqual(await Promise.all([toServer, toClient]), [['hello'], ['welcome']])
  })

  it('tells both sides when the client stops, and connects again with a new connection', async () => {
    await using lane = await attach(make)
    const gone = Promise.withResolvers<void>()
    let clientGone = 0
    lane.connection.onDisconnect = gone.resolve
    lane.client.onDisconnect = () => clientGone++
    await lane.client.stop()
    await lane.client.stop()
    await gone.promise
    assert.equal(clientGone, 1)
    assert.equal(lane.connection.connected, false)
    assert.equal(lane.server.connections.size, 0)
    lane.connection.send([text('too late')])
    assert.equal(lane.connection.stats.messagesDropped, 1)
    const again = connections(lane)
    await lane.client.start()
    const received = listen(await again, 1)
    lane.client.send([text('back')])
    assert.deepEqual(await received, ['back'])
  })

  it('tells both sides when the server stops, and the client comes back to a new one by itself', async () => {
    await using lane = await attach(make)
    const gone = Promise.withResolvers<void>()
    lane.client.onDisconnect = gone.resolve
    await lane.server.stop()
    await lane.server.stop()
    await gone.promise
    assert.equal(lane.client.connected, false)
    assert.equal(lane.connection.connected, false)
    const again = connections(lane)
    await lane.server.start()
    const received = listen(await again, 1)
    lane.client.send([text('back')])
    assert.deepEqual(await received, ['back'])
  })

  it('starts and stops any number of times', async () => {
    await using lane = await make()
    await lane.client.stop()
    await lane.server.stop()
    for (let i = 0; i < 3; i++) {
      const connected = connections(lane)
      await Promise.all([lane.server.start(), lane.client.start()])
      await Promise.all([lane.server.start(), lane.client.start()])
      await connected
      await Promise.all([lane.server.stop(), lane.client.stop()])
    }
    assert.equal(lane.client.connected, false)
  })
}

/** A lane whose two sides are connected. */
export async function attach(make: MakeLane): Promise<LaneFixture & { connection: LaneConnection }> {
  const lane = await make()
  const connected = connections(lane)
  await lane.server.start()
  await lane.client.start()
  const connection = await connected
  return Object.assign(lane, { connection })
}

/** Resolves with the server's next connection once the client knows of it too. */
export async function connections(lane: LaneFixture): Promise<LaneConnection> {
  const server = Promise.withResolvers<LaneConnection>()
  const client = Promise.withResolvers<void>()
  lane.server.onConnection = server.resolve
  lane.client.onConnect = client.resolve
  await client.promise
  return server.promise
}

/** Resolves with the next `count` messages as Latin-1 text. */
export function listen(connection: LaneConnection, count: number): Promise<string[]> {
  const { promise, resolve } = Promise.withResolvers<string[]>()
  const messages: string[] = []
  connection.onMessage = (message) => {
    messages.push(Buffer.from(message).toString('latin1'))
    if (messages.length === count) resolve(messages)
  }
  return promise
}

export const text = (value: string): Uint8Array => new Uint8Array(Buffer.from(value, 'latin1'))

/** Gives the event loop turns until the condition holds; the test's own timeout ends it where it never does. */
export async function until(condition: () => boolean): Promise<void> {
  while (!condition()) await new Promise((resolve) => setTimeout(resolve, 1))
}

const hash = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex')

/** Sends messages of these sizes one after the other, a few at a time, and checks that each arrives. */
async function exchange(
  from: LaneConnection,
  to: LaneConnection,
  sizes: readonly number[],
  random: () => number,
): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>()
  const sent: string[] = []
  const received: string[] = []
  const pool = seededBytes(MAX_LANE_MESSAGE_BYTES, random)
  const sendNext = () => {
    const size = sizes[sent.length]
    if (size === undefined) return
    pool[0] = sent.length
    const cut = Math.floor(random() * size)
    sent.push(hash(pool.subarray(0, size)))
    from.send([pool.subarray(0, cut), pool.subarray(cut, size)])
  }
  to.onMessage = (message) => {
    received.push(hash(message))
    if (received.length === sizes.length) resolve()
    else sendNext()
  }
  for (let i = 0; i < 4; i++) sendNext()
  await promise
  assert.deepEqual(received, sent)
}
