import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import { FRAME_HEADER_BYTES, GSO_NONE, GSO_UDP_L4, NEEDS_CSUM, type TapPort } from '@wakunet/interface'
import { seededBytes, seededRandom, testSeed } from '@wakunet/testing'
import { type DatagramSends, packSocketAddress, SOCKET_ADDRESS_BYTES, UdpBatchSocket } from '../src/index.ts'
import { enterNamespace } from './enter-namespace.ts'
import { arpReply, ip, isArpRequest, makeKernelBench, readFrames, startTap } from './kernel-tap-bench.ts'
import { batchOf, tapPortCompliance } from './tap-port-compliance.ts'

enterNamespace(import.meta.filename)

const STATION = [2, 0, 0, 0, 0, 2]
const STATION_MAC = '02:00:00:00:00:02'
const KERNEL_IP = [10, 66, 0, 1]
const STATION_IP = [10, 66, 0, 2]

const startAddressed = (t: TestContext, offloads = true): Promise<TapPort> =>
  startTap(t, { mac: '02:00:00:00:00:01', mtu: 1500, addresses: ['10.66.0.1/24'], offloads })

function arpRequest(): Uint8Array {
  const frame = new Uint8Array(42)
  frame.set([
    255,
    255,
    255,
    255,
    255,
    255,
    ...STATION,
    8,
    6,
    0,
    1,
    8,
    0,
    6,
    4,
    0,
    1,
    ...STATION,
    ...STATION_IP,
  ])
  frame.set(KERNEL_IP, 38)
  return frame
}

function checksum(bytes: Uint8Array): [number, number] {
  let sum = 0
  for (let i = 0; i < bytes.length; i += 2) sum += (bytes[i]! << 8) | (bytes[i + 1] ?? 0)
  while (sum > 0xffff) sum = (sum & 0xffff) + (sum >> 16)
  return [(~sum >> 8) & 0xff, ~sum & 0xff]
}

/** Ethernet, IPv4 and the payload, from the station to the kernel. */
function ipv4Frame(protocol: number, payload: Uint8Array): Uint8Array {
  const header = new Uint8Array(20)
  const length = 20 + payload.length
  header.set([
    0x45,
    0,
    length >> 8,
    length & 0xff,
    0,
    0,
    0x40,
    0,
    64,
    protocol,
    0,
    0,
    ...STATION_IP,
    ...KERNEL_IP,
  ])
  header.set(checksum(header), 10)
  return Uint8Array.from([2, 0, 0, 0, 0, 1, ...STATION, 8, 0, ...header, ...payload])
}

function echoRequest(data: Uint8Array): Uint8Array {
  const message = Uint8Array.from([8, 0, 0, 0, 0, 1, 0, 1, ...data])
  message.set(checksum(message), 2)
  return ipv4Frame(1, message)
}

const isArpReply = (frame: Uint8Array): boolean => frame[12] === 8 && frame[13] === 6 && frame[21] === 2
const isEchoReply = (frame: Uint8Array): boolean => frame[13] === 0 && frame[23] === 1 && frame[34] === 0

/** `count` datagrams of `size` bytes in one entry to the station's port 9. */
function sendsToStation(size: number, count: number): DatagramSends {
  const destinations = new Uint8Array(SOCKET_ADDRESS_BYTES)
  packSocketAddress(destinations, 0, STATION_IP.join('.'), 9)
  return {
    bytes: seededBytes(size * count, seededRandom()),
    offsets: Uint32Array.of(0),
    lengths: Uint32Array.of(size * count),
    segmentSizes: Uint32Array.of(size),
    destinations,
    destinationIndexes: Uint32Array.of(0),
    count: 1,
  }
}

async function openUdp(t: TestContext, sendBufferBytes = 1_000_000): Promise<UdpBatchSocket> {
  const socket = new UdpBatchSocket({ host: KERNEL_IP.join('.'), port: 0, sendBufferBytes })
  t.after(() => socket.stop())
  await socket.start()
  return socket
}

/** Header and length of every UDP frame to the station until `bytes` of payload are there. */
function readUdp(port: TapPort, bytes: number): Promise<{ header: Uint8Array; length: number }[]> {
  const { promise, resolve } = Promise.withResolvers<{ header: Uint8Array; length: number }[]>()
  const seen: { header: Uint8Array; length: number }[] = []
  let total = 0
  port.onFrames = (batch) => {
    for (let i = 0; i < batch.count; i++) {
      const at = batch.offsets[i]!
      if (batch.bytes[at + FRAME_HEADER_BYTES + 23] !== 17) continue
      seen.push({ header: batch.bytes.slice(at, at + FRAME_HEADER_BYTES), length: batch.lengths[i]! })
      total += batch.lengths[i]! - 42
    }
    if (total >= bytes) resolve(seen)
  }
  return promise
}

test('a TAP of the kernel is a TAP port', (t: TestContext) => tapPortCompliance(t, makeKernelBench))

test('the kernel answers ARP and ping through the port', async (t) => {
  const port = await startAddressed(t)
  const arp = readFrames(port, 1, isArpReply)
  assert.equal(port.write(batchOf([arpRequest()])), 1)
  assert.deepEqual([...(await arp)[0]!.subarray(22, 32)], [2, 0, 0, 0, 0, 1, ...KERNEL_IP])
  const data = seededBytes(1400, seededRandom())
  const echo = readFrames(port, 1, isEchoReply)
  assert.equal(port.write(batchOf([echoRequest(data)])), 1)
  assert.deepEqual((await echo)[0]!.subarray(42), data)
})

test('a checksum that is left to the receiver is completed by the kernel', async (t) => {
  const port = await startAddressed(t)
  ip('neigh', 'add', STATION_IP.join('.'), 'lladdr', STATION_MAC, 'dev', port.name)
  const request = echoRequest(new Uint8Array(50))
  // The ICMP checksum is the sum over the message with the field itself at zero (virtio 1.3, 5.1.6.2).
  request.set([0, 0], 36)
  const header = Uint8Array.of(NEEDS_CSUM, GSO_NONE, 0, 0, 0, 0, 34, 0, 2, 0, 0, 0)
  const echo = readFrames(port, 1, isEchoReply)
  assert.equal(port.write(batchOf([request], [header])), 1)
  assert.equal((await echo).length, 1)
})

test('UDP super-frames of the kernel come whole, with their segment size', async (t) => {
  const port = await startAddressed(t)
  assert.deepEqual(port.features, { vnetHeader: true, uso: true })
  ip('neigh', 'add', STATION_IP.join('.'), 'lladdr', STATION_MAC, 'dev', port.name)
  const socket = await openUdp(t)
  const read = readUdp(port, 20_000)
  assert.equal(socket.send(sendsToStation(1000, 20)), 1)
  const frames = await read
  assert.equal(frames.length, 1)
  const { header, length } = frames[0]!
  assert.equal(length, 20_042)
  assert.deepEqual([header[0], header[1], header[4]! | (header[5]! << 8)], [NEEDS_CSUM, GSO_UDP_L4, 1000])
})

test('without offloads no frame exceeds the MTU and every header is zero', async (t) => {
  const port = await startAddressed(t, false)
  assert.deepEqual(port.features, { vnetHeader: false, uso: false })
  ip('neigh', 'add', STATION_IP.join('.'), 'lladdr', STATION_MAC, 'dev', port.name)
  const socket = await openUdp(t)
  const read = readUdp(port, 20_000)
  socket.send(sendsToStation(1000, 20))
  const frames = await read
  assert.deepEqual(new Set(frames.map(({ length }) => length)), new Set([1042]))
  for (const { header } of frames) assert.deepEqual(header, new Uint8Array(FRAME_HEADER_BYTES))
})

test('a burst larger than one batch is read over several turns without loss', async (t) => {
  const port = await startAddressed(t, false)
  ip('neigh', 'add', STATION_IP.join('.'), 'lladdr', STATION_MAC, 'dev', port.name)
  const socket = await openUdp(t)
  const read = readUdp(port, 200 * 100)
  for (let i = 0; i < 20; i++) socket.send(sendsToStation(100, 10))
  assert.equal((await read).length, 200)
})

/** Random bytes, or a header that is nearly right: the kernel takes some of the latter. */
function hostileHeader(random: () => number): Uint8Array {
  const header = seededBytes(12, random)
  if (random() < 0.3) return header
  header.set([1, [1, 4, 5, 0x81][Math.floor(random() * 4)]!], 0)
  header.set([34, 0, 16, 0], 6)
  if (random() < 0.5) header[6 + Math.floor(random() * 4)] = Math.floor(random() * 256)
  return header
}

test(`no random offload header breaks the port (seed ${testSeed})`, async (t) => {
  const port = await startAddressed(t)
  const random = seededRandom()
  const tcp = seededBytes(1460, random)
  tcp.set([0x50, 0x10], 12)
  const frames = Array.from({ length: 64 }, () => ipv4Frame(6, tcp))
  const rounds = 50
  for (let round = 0; round < rounds; round++) {
    const headers = frames.map(() => hostileHeader(random))
    port.write(batchOf(frames, headers))
  }
  const { framesWritten, writeRefused, writeDropped } = port.stats
  assert.equal(framesWritten + writeRefused, 64 * rounds)
  assert.ok(writeRefused > 0 && framesWritten > 0)
  assert.equal(writeDropped, 0)
  const arp = readFrames(port, 1, isArpReply)
  port.write(batchOf([arpRequest()]))
  assert.equal((await arp).length, 1)
})

test('a UDP socket that is full says so, and when it takes datagrams again', async (t) => {
  const port = await startAddressed(t)
  const socket = await openUdp(t, 4608)
  const request = readFrames(port, 1, isArpRequest)
  // Datagrams to a neighbour that has not answered yet wait on the account of the socket.
  const one = sendsToStation(1000, 1)
  const burst = {
    ...one,
    offsets: new Uint32Array(50),
    lengths: new Uint32Array(50).fill(1000),
    segmentSizes: new Uint32Array(50),
    destinationIndexes: new Uint32Array(50),
    count: 50,
  }
  const taken = socket.send(burst)
  assert.ok(taken > 0 && taken < 50, `${taken} of 50 taken`)
  assert.equal(socket.stats.sendBlocked, 1)
  const writable = Promise.withResolvers<void>()
  socket.onWritable = writable.resolve
  port.write(batchOf([arpReply((await request)[0]!, STATION)]))
  await writable.promise
  assert.ok(socket.send(one) === 1)
})
