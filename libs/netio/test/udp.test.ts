import assert from 'node:assert/strict'
import { createSocket } from 'node:dgram'
import { once } from 'node:events'
import { test } from 'node:test'
import { seededBytes, seededRandom, testSeed } from '@wakunet/testing'
import {
  type DatagramSends,
  MAX_UDP_SEND_BYTES,
  packSocketAddress,
  SOCKET_ADDRESS_BYTES,
  UdpBatchSocket,
  type UdpBatchSocketInit,
  unpackSocketAddress,
} from '../src/index.ts'

interface Scope {
  after(cleanUp: () => Promise<void> | void): void
}

async function open(t: Scope, init: Partial<UdpBatchSocketInit> = {}): Promise<UdpBatchSocket> {
  const socket = new UdpBatchSocket({ host: '127.0.0.1', port: 0, ...init })
  await socket.start()
  t.after(() => socket.stop())
  return socket
}

function addressOf(...sockets: UdpBatchSocket[]): Uint8Array {
  const table = new Uint8Array(sockets.length * SOCKET_ADDRESS_BYTES)
  for (const [i, { address }] of sockets.entries()) packSocketAddress(table, i, address.host, address.port)
  return table
}

/** One entry for each payload: [bytes, segment size, destination]. */
function sends(entries: readonly [Uint8Array, number, number?][], destinations: Uint8Array): DatagramSends {
  const bytes = Buffer.concat(entries.map(([payload]) => payload))
  let offset = 0
  const offsets = entries.map(([payload]) => {
    offset += payload.length
    return offset - payload.length
  })
  return {
    bytes,
    offsets: Uint32Array.from(offsets),
    lengths: Uint32Array.from(entries, ([payload]) => payload.length),
    segmentSizes: Uint32Array.from(entries, ([, segment]) => segment),
    destinations,
    destinationIndexes: Uint32Array.from(entries, ([, , destination = 0]) => destination),
    count: entries.length,
  }
}

/** The single datagrams that a socket receives, as hexadecimal text, until `count` are there. */
function receive(socket: UdpBatchSocket, count: number): Promise<string[]> {
  const { promise, resolve } = Promise.withResolvers<string[]>()
  const datagrams: string[] = []
  socket.onDatagrams = (batch) => {
    for (let i = 0; i < batch.count; i++) {
      const message = batch.bytes.subarray(batch.offsets[i], batch.offsets[i]! + batch.lengths[i]!)
      for (let at = 0; at < message.length || at === 0; at += batch.segmentSizes[i]! || 1) {
        datagrams.push(Buffer.from(message.subarray(at, at + batch.segmentSizes[i]!)).toString('hex'))
      }
    }
    if (datagrams.length >= count) resolve(datagrams)
  }
  return promise
}

function segmentsOf(payload: Uint8Array, segment: number): string[] {
  if (segment === 0) return [Buffer.from(payload).toString('hex')]
  const segments: string[] = []
  for (let at = 0; at < payload.length; at += segment) {
    segments.push(Buffer.from(payload.subarray(at, at + segment)).toString('hex'))
  }
  return segments
}

for (const [name, host, sendOffload, receiveOffload] of [
  ['with offloads on both sides', '127.0.0.1', true, true],
  ['over IPv6', '::1', true, true],
  ['cut without the kernel', '127.0.0.1', false, true],
  ['without coalescing', '127.0.0.1', true, false],
] as const) {
  test(`datagrams of random sizes arrive as they were cut: ${name} (seed ${testSeed})`, async (t) => {
    const random = seededRandom()
    const sender = await open(t, { host, offload: sendOffload })
    const receiver = await open(t, { host, offload: receiveOffload })
    assert.equal(sender.segmentsInKernel, sendOffload)
    for (let round = 0; round < 20; round++) {
      const entries = Array.from({ length: 1 + Math.floor(random() * 12) }, (): [Uint8Array, number] => {
        const segment = 1 + Math.floor(random() * 1400)
        const length = 1 + Math.floor(random() * Math.min(segment * 64, MAX_UDP_SEND_BYTES))
        return [seededBytes(length, random), random() < 0.2 ? 0 : segment]
      })
      const expected = entries.flatMap(([payload, segment]) => segmentsOf(payload, segment))
      const received = receive(receiver, expected.length)
      assert.equal(sender.send(sends(entries, addressOf(receiver))), entries.length)
      assert.deepEqual(await received, expected)
    }
    assert.equal(receiver.stats.bytesReceived, sender.stats.bytesSent)
    assert.equal(receiver.stats.receiveDropped, 0)
    assert.equal(sender.stats.sendRefused, 0)
  })
}

test('what the kernel coalesced comes as one message, which is what makes it fast', async (t) => {
  const sender = await open(t)
  const receiver = await open(t)
  const received = receive(receiver, 40)
  sender.send(sends([[seededBytes(40 * 1400, seededRandom()), 1400]], addressOf(receiver)))
  await received
  assert.equal(receiver.stats.messagesReceived, 1)
})

test('one batch goes to several destinations, and the source address is told', async (t) => {
  const sender = await open(t)
  const receivers = [await open(t), await open(t)]
  const sources = receivers.map(
    (receiver) =>
      new Promise<unknown>((resolve) => {
        receiver.onDatagrams = (batch) => resolve(unpackSocketAddress(batch.sources, 0))
      }),
  )
  const payload = Uint8Array.of(1)
  sender.send(
    sends(
      [
        [payload, 0, 1],
        [payload, 0, 0],
      ],
      addressOf(...receivers),
    ),
  )
  assert.deepEqual(await Promise.all(sources), [sender.address, sender.address])
})

test('node:dgram speaks to it, an empty datagram included', async (t) => {
  const socket = await open(t)
  const peer = createSocket('udp4')
  t.after(() => void peer.close())
  const received = receive(socket, 2)
  peer.send('', socket.address.port, '127.0.0.1')
  peer.send('hello', socket.address.port, '127.0.0.1')
  assert.deepEqual(await received, ['', Buffer.from('hello').toString('hex')])
  const table = new Uint8Array(SOCKET_ADDRESS_BYTES)
  packSocketAddress(table, 0, '127.0.0.1', peer.address().port)
  socket.send(sends([[Buffer.from('back'), 0]], table))
  const [message] = await once(peer, 'message')
  assert.equal(String(message), 'back')
})

test('a receiver whose queue is full loses datagrams and counts them', async (t) => {
  const sender = await open(t)
  const receiver = await open(t, { receiveBufferBytes: 8192 })
  const burst = sends(
    Array.from({ length: 200 }, (): [Uint8Array, number] => [new Uint8Array(1000), 0]),
    addressOf(receiver),
  )
  assert.equal(sender.send(burst), 200)
  await receive(receiver, 1)
  // The kernel tells the count of drops with the next datagram that it queues.
  const told = receive(receiver, 1)
  sender.send(sends([[Uint8Array.of(1), 0]], addressOf(receiver)))
  await told
  assert.ok(receiver.stats.receiveDropped > 100, `${receiver.stats.receiveDropped} dropped`)
})

test('refused datagrams are counted and do not stop those after them', async (t) => {
  const sender = await open(t, { dontFragment: true })
  const receiver = await open(t)
  const destinations = new Uint8Array(2 * SOCKET_ADDRESS_BYTES)
  destinations.set(addressOf(receiver))
  packSocketAddress(destinations, 1, '::1', 9)
  const received = receive(receiver, 1)
  const taken = sender.send(
    sends(
      [
        [Uint8Array.of(1), 0, 1],
        [Uint8Array.of(2), 0, 0],
      ],
      destinations,
    ),
  )
  assert.equal(taken, 2)
  assert.deepEqual(await received, ['02'])
  assert.deepEqual([sender.stats.sendRefused, sender.stats.entriesSent], [1, 1])
})

test('an answer of ICMP that the port is closed does not break the socket', async (t) => {
  const sender = await open(t)
  const closed = await open(t)
  const nobody = addressOf(closed)
  await closed.stop()
  for (let i = 0; i < 100; i++) assert.equal(sender.send(sends([[Uint8Array.of(1), 0]], nobody)), 1)
  const receiver = await open(t)
  const received = receive(receiver, 1)
  sender.send(sends([[Uint8Array.of(7), 0]], addressOf(receiver)))
  assert.deepEqual(await received, ['07'])
})

test('entries over 64 segments, over 65,507 bytes or outside their tables throw and send nothing', async (t) => {
  const socket = await open(t)
  const to = addressOf(socket)
  const good = sends([[new Uint8Array(65), 0]], to)
  assert.throws(() => socket.send({ ...good, segmentSizes: Uint32Array.of(1) }), RangeError)
  assert.throws(() => socket.send({ ...good, lengths: Uint32Array.of(66) }), RangeError)
  assert.throws(() => socket.send({ ...good, offsets: Uint32Array.of(0xffffffff) }), RangeError)
  assert.throws(() => socket.send({ ...good, destinationIndexes: Uint32Array.of(1) }), RangeError)
  assert.throws(() => socket.send({ ...good, count: 2 }), RangeError)
  assert.throws(() => socket.send(sends([[new Uint8Array(65_508), 0]], to)), RangeError)
  assert.equal(socket.stats.entriesSent, 0)
})

test('a taken port, a foreign address and a name instead of an address each have their own error', async (t) => {
  const socket = await open(t)
  const start = (init: UdpBatchSocketInit) => new UdpBatchSocket(init).start()
  await assert.rejects(start({ host: '127.0.0.1', port: socket.address.port }), { code: 'ERR_PORT_TAKEN' })
  await assert.rejects(start({ host: '198.51.100.77', port: 0 }), { code: 'ERR_ADDRESS_INVALID' })
  for (const host of ['localhost', '', '127.0.0.1\0', '1'.repeat(300), '::1%lo']) {
    await assert.rejects(start({ host, port: 0 }), { code: 'ERR_ADDRESS_INVALID' })
  }
  await assert.rejects(start({ host: '127.0.0.1', port: 65_536 }), RangeError)
})

test('start and stop are idempotent, and a stopped socket says so', async (t) => {
  const socket = await open(t)
  await socket.start()
  await socket.stop()
  await socket.stop()
  assert.throws(() => socket.address, { code: 'ERR_NOT_STARTED' })
  await socket.start()
  assert.ok(socket.address.port > 0)
})

test('packed addresses round-trip, and equal addresses have equal bytes', () => {
  const table = new Uint8Array(4 * SOCKET_ADDRESS_BYTES).fill(255)
  packSocketAddress(table, 0, '192.0.2.1', 65_535)
  packSocketAddress(table, 1, '2001:db8:0:0::1', 1)
  packSocketAddress(table, 2, 'fe80::1', 7, 3)
  packSocketAddress(table, 3, '2001:db8::1', 1)
  assert.deepEqual(unpackSocketAddress(table, 0), { host: '192.0.2.1', port: 65_535, scope: 0 })
  assert.deepEqual(unpackSocketAddress(table, 1), { host: '2001:db8::1', port: 1, scope: 0 })
  assert.deepEqual(unpackSocketAddress(table, 2), { host: 'fe80::1', port: 7, scope: 3 })
  assert.deepEqual(table.subarray(28, 56), table.subarray(84, 112))
  assert.throws(() => unpackSocketAddress(table, 4), RangeError)
  assert.throws(() => unpackSocketAddress(new Uint8Array(28), 0), { code: 'ERR_ADDRESS_INVALID' })
})
