import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Connection, Stream } from '@libp2p/interface'
import { streamPair } from '@libp2p/utils'
import type { NodeId } from '@wakunet/interface'
import { FakeClock, recordingLogger } from '@wakunet/testing'
import {
  type ControlMessage,
  type DatagramPath,
  decodeControlMessage,
  encodeControlMessage,
  frameUnit,
  type Hello,
  UnitReader,
  type WireMembership,
} from '@wakunet/trunk'
import { TICK_MS } from '../src/peer-health.ts'
import { Trunk, type TrunkEnd, type TrunkInit } from '../src/trunk.ts'

const hello = (fields: Partial<Hello> = {}): Hello => ({
  type: 'hello',
  versions: [1],
  agent: 'test',
  role: [],
  bootNonce: new Uint8Array(8),
  capabilities: [],
  maxRecordBytes: 131_072,
  maxVlans: 256,
  heartbeatMs: 1_000,
  wallMs: 0,
  ...fields,
})

/** The other end of a trunk's control stream, spoken by hand. */
class RawPeer {
  readonly received: ControlMessage[] = []
  readonly #stream: Stream
  readonly #waiting: { type: string; resolve: (message: ControlMessage) => void }[] = []

  constructor(stream: Stream) {
    this.#stream = stream
    const reader = new UnitReader(65_536, (unit) => this.#take(decodeControlMessage(unit.slice())))
    stream.addEventListener('message', ({ data }) => reader.push(data as Uint8Array))
  }

  send(message: ControlMessage): void {
    this.#stream.send(frameUnit(encodeControlMessage(message)))
  }

  sendBytes(bytes: Uint8Array): void {
    this.#stream.send(bytes)
  }

  next(type: ControlMessage['type']): Promise<ControlMessage> {
    const at = this.received.findIndex((message) => message.type === type)
    if (at >= 0) return Promise.resolve(this.received.splice(at, 1)[0]!)
    return new Promise((resolve) => this.#waiting.push({ type, resolve }))
  }

  #take(message: ControlMessage): void {
    const at = this.#waiting.findIndex(({ type }) => type === message.type)
    if (at >= 0) this.#waiting.splice(at, 1)[0]!.resolve(message)
    else this.received.push(message)
  }
}

/** A trunk on the accepting side, with a peer spoken by hand. */
async function acceptTrunk(ours: Partial<Hello> = {}, datagrams: TrunkInit['datagrams'] = null) {
  const [theirs, stream] = await streamPair()
  const clock = new FakeClock()
  const ended = Promise.withResolvers<TrunkEnd>()
  const up = Promise.withResolvers<void>()
  const memberships: (readonly WireMembership[])[] = []
  const streamLosses: string[] = []
  const connection = {
    id: 'c1',
    remotePeer: { toString: () => 'peer' },
    remoteAddr: { toString: () => '/memory/1' },
    close: async () => {},
    abort: () => {},
  } as unknown as Connection
  const trunk = new Trunk({
    nodeId: 'f'.repeat(32) as NodeId,
    connection,
    stream,
    initiator: false,
    hello: hello(ours),
    queueBytes: 1_000_000,
    quickHeartbeatMs: 150,
    extraIntervals: 0,
    datagrams,
    clock,
    logger: recordingLogger(),
    openFrames: () => Promise.reject(new Error('only the initiator opens it')),
    events: {
      onHello: () => null,
      onUp: () => up.resolve(),
      onDown: (_, reason) => ended.resolve(reason),
      onMemberships: (_, list) => memberships.push(list),
      onRoundTrip: () => {},
      onStreamLost: (_, reason) => streamLosses.push(reason),
      onMessage: () => {},
      onRecord: () => {},
    },
  })
  return {
    trunk,
    clock,
    peer: new RawPeer(theirs),
    ended: ended.promise,
    up: up.promise,
    memberships,
    streamLosses,
  }
}

/** The same, with hellos exchanged and the frames stream attached. */
async function acceptUp(capabilities: string[] = [], datagrams: TrunkInit['datagrams'] = null) {
  const accepted = await acceptTrunk({ capabilities }, datagrams)
  accepted.peer.send(hello({ capabilities }))
  await accepted.peer.next('hello')
  const [theirFrames, frames] = await streamPair()
  // The hello of the peer may still be under way: the trunk takes a frames stream only after it.
  while (accepted.trunk.theirHello === null) await new Promise(setImmediate)
  accepted.trunk.attachFrames(frames)
  await accepted.up
  return { ...accepted, theirFrames }
}

test('a peer that says nothing loses the trunk at the deadline, not before', async () => {
  const { trunk, clock, ended } = await acceptTrunk()
  clock.advance(4_999)
  assert.equal(trunk.theirHello, null)
  clock.advance(1)
  assert.equal((await ended).code, 'timeout')
})

test('a peer that says hello and opens no frames stream loses it too', async () => {
  const { trunk, clock, peer, ended } = await acceptTrunk()
  peer.send(hello())
  while (trunk.theirHello === null) await new Promise(setImmediate)
  clock.advance(5_000)
  assert.equal((await ended).code, 'timeout')
})

for (const [what, message, code] of [
  ['no common version', hello({ versions: [7] }), 'version'],
  ['both roles', hello({ role: ['gateway', 'chain'] }), 'role'],
  ['anything before the hello', { type: 'heartbeat', sequence: 1 }, 'malformed'],
] as const) {
  test(`${what}: the peer is refused and told why`, async () => {
    const { peer, ended } = await acceptTrunk()
    peer.send(message as ControlMessage)
    assert.equal((await ended).code, code)
    const refusal = await peer.next('refuse')
    assert.equal(refusal.type === 'refuse' && refusal.code, code)
  })
}

test('a second hello is malformed', async () => {
  const { peer, ended } = await acceptUp()
  peer.send(hello())
  assert.equal((await ended).code, 'malformed')
})

test('bytes that are no message end the trunk', async () => {
  const { peer, ended } = await acceptUp()
  peer.sendBytes(frameUnit(Uint8Array.of(0xff, 0x00)))
  assert.deepEqual(
    { code: (await ended).code, remote: (await ended).remote },
    { code: 'malformed', remote: false },
  )
})

test('a flood of control messages ends the trunk; the burst that is allowed does not', async () => {
  const { trunk, peer, ended } = await acceptUp()
  // One of the 256 was the hello.
  for (let i = 0; i < 255; i++) peer.send({ type: 'heartbeat', sequence: i })
  for (let i = 0; i < 255; i++) await peer.next('heartbeat-ack')
  assert.ok(trunk.up)
  peer.send({ type: 'heartbeat', sequence: 999 })
  assert.equal((await ended).code, 'flood')
})

/** Lets time pass as the owner of trunks does. */
function tickFor(trunk: Trunk, clock: FakeClock, ms: number): void {
  for (let passed = 0; passed < ms; passed += TICK_MS) {
    clock.advance(TICK_MS)
    trunk.tick()
  }
}

test('a silent peer is gone after three and a half heartbeats', async () => {
  const { trunk, clock, ended } = await acceptUp()
  tickFor(trunk, clock, 3_500)
  assert.ok(trunk.up)
  tickFor(trunk, clock, TICK_MS)
  assert.equal((await ended).code, 'timeout')
})

test('time in which this process stood still does not count against the peer', async () => {
  const { trunk, clock, peer } = await acceptUp()
  clock.advance(60_000)
  trunk.tick()
  peer.send({ type: 'heartbeat', sequence: 1 })
  await peer.next('heartbeat-ack')
  tickFor(trunk, clock, 3_400)
  assert.ok(trunk.up)
})

test('a trunk that matters is probed while it is quiet; where no kernel can be asked it is gone after a second', async () => {
  const { trunk, clock, peer, ended } = await acceptUp()
  trunk.health!.quick = true
  const answer = async () => {
    const beat = (await peer.next('heartbeat')) as { sequence: number }
    peer.send({ type: 'heartbeat-ack', sequence: beat.sequence })
    while (trunk.health!.silentMs > 0) await new Promise(setImmediate)
  }
  // The first heartbeat goes out at once; what follows are probes.
  tickFor(trunk, clock, TICK_MS)
  await answer()
  for (let probe = 0; probe < 10; probe++) {
    tickFor(trunk, clock, 200)
    await answer()
  }
  assert.equal(trunk.rttMs, 0)
  // 150 ms until it is probed, then what an answer may take over a relay: 600 ms and four round trips.
  tickFor(trunk, clock, 700)
  assert.ok(trunk.up)
  tickFor(trunk, clock, 200)
  assert.deepEqual({ up: trunk.up, code: (await ended).code }, { up: false, code: 'timeout' })
})

test('a peer whose frames arrive is not silent, though its heartbeats are lost', async () => {
  const { trunk, clock, theirFrames } = await acceptUp()
  for (let second = 0; second < 10; second++) {
    const before = trunk.stats!.bytesReceived
    theirFrames.send(frameUnit(new Uint8Array(100)))
    while (trunk.stats!.bytesReceived === before) await new Promise(setImmediate)
    tickFor(trunk, clock, 1_000)
  }
  assert.ok(trunk.up)
})

test('a heartbeat is answered, and the answer to ours gives the round trip', async () => {
  const { trunk, clock, peer } = await acceptUp()
  peer.send({ type: 'heartbeat', sequence: 41 })
  assert.deepEqual(await peer.next('heartbeat-ack'), { type: 'heartbeat-ack', sequence: 41 })
  clock.advance(1_000)
  trunk.tick()
  const beat = await peer.next('heartbeat')
  clock.advance(12)
  assert.equal(beat.type, 'heartbeat')
  peer.send({ type: 'heartbeat-ack', sequence: (beat as { sequence: number }).sequence })
  while (trunk.rttMs === null) await new Promise(setImmediate)
  assert.equal(trunk.rttMs, 12)
})

test('a membership announcement that is not newer than the last changes nothing', async () => {
  const { peer, memberships } = await acceptUp()
  const announce = (sequence: number): void => peer.send({ type: 'memberships', sequence, memberships: [] })
  for (const sequence of [3, 3, 2, 4]) announce(sequence)
  peer.send({ type: 'heartbeat', sequence: 1 })
  await peer.next('heartbeat-ack')
  assert.equal(memberships.length, 2)
})

test('a frames stream that nobody waits for is reset', async () => {
  const { trunk } = await acceptTrunk()
  const [, frames] = await streamPair()
  trunk.attachFrames(frames)
  assert.equal(frames.status, 'aborted')
})

test('what leaves after the end is nothing', async () => {
  const { trunk, ended } = await acceptUp()
  trunk.close('stopping', 'bye')
  await ended
  assert.equal(trunk.sendRecord(new Uint8Array(100)), false)
  assert.equal(trunk.sendControl({ type: 'heartbeat', sequence: 1 }), false)
})

/** A datagram path that works for as long as it is told to. */
class WorkingDatagrams {
  usable = true
  closed = false
  received = 0
  readonly sent: Uint8Array[] = []
  readonly path = {
    rttMs: 1,
    moves: 0,
    unconfirmedMs: 0,
    tick: () => {},
    sendRecord: (record: Uint8Array) => this.sent.push(record.slice()) > 0,
    receive: () => {},
  }

  readonly port = {
    open: () => {
      const path = Object.defineProperties(this.path, {
        usable: { get: () => this.usable },
        stats: { get: () => ({ recordsSent: this.sent.length, datagramsReceived: this.received++ }) },
      })
      return path as unknown as DatagramPath
    },
    close: () => {
      this.closed = true
    },
  }
}

/** Ticks as the owner does. */
function pass(trunk: Trunk, clock: FakeClock, ms: number): void {
  for (let passed = 0; passed < ms; passed += TICK_MS) {
    clock.advance(TICK_MS)
    trunk.tick()
  }
}

test('a trunk whose stream is dead lives on datagrams until a new one has had its time', async () => {
  const datagrams = new WorkingDatagrams()
  const { trunk, clock, ended, streamLosses } = await acceptUp(['datagram'], datagrams.port)
  assert.equal(trunk.sendRecord(new Uint8Array(100)), true)
  assert.equal(datagrams.sent.length, 1)
  pass(trunk, clock, 13_900)
  assert.deepEqual(streamLosses, [], 'datagrams are heard: the peer is there')
  pass(trunk, clock, 300)
  assert.equal(streamLosses.length, 1)
  assert.equal(trunk.streamLost, true)
  assert.equal(trunk.sendRecord(new Uint8Array(100)), true)
  assert.equal(datagrams.sent.length, 2)
  pass(trunk, clock, 9_000)
  assert.equal(trunk.up, true)
  pass(trunk, clock, 1_500)
  assert.equal((await ended).code, 'timeout')
  assert.equal(datagrams.closed, true)
})

test('it ends at once when its datagrams do not get through either', async () => {
  const datagrams = new WorkingDatagrams()
  const { trunk, clock, ended } = await acceptUp(['datagram'], datagrams.port)
  trunk.sendRecord(new Uint8Array(100))
  pass(trunk, clock, 14_200)
  assert.equal(trunk.streamLost, true)
  datagrams.usable = false
  pass(trunk, clock, TICK_MS)
  assert.equal((await ended).code, 'timeout')
})

test('without datagrams a silent peer is gone after 3.5 heartbeats', async () => {
  const { trunk, clock, ended, streamLosses } = await acceptUp()
  pass(trunk, clock, 3_700)
  assert.equal((await ended).code, 'timeout')
  assert.deepEqual(streamLosses, [])
})

test('messages of the datagram path are malformed where it was not agreed on', async () => {
  const { peer, ended } = await acceptUp()
  peer.send({ type: 'datagram-candidates', sequence: 1, candidates: [] })
  assert.equal((await ended).code, 'malformed')
})
