import assert from 'node:assert/strict'
import { createHash, randomBytes } from 'node:crypto'
import type { Socket } from 'node:net'
import { test } from 'node:test'
import { noise } from '@chainsafe/libp2p-noise'
import { yamux } from '@chainsafe/libp2p-yamux'
import type { Libp2p, Stream } from '@libp2p/interface'
import { tcp } from '@libp2p/tcp'
import { createLibp2p, type Libp2pOptions } from 'libp2p'
import { nativeNoise } from '../src/index.ts'

type Encrypter = NonNullable<Libp2pOptions['connectionEncrypters']>[number]

const stock = noise() as Encrypter
const native = nativeNoise() as Encrypter

/** A host on loopback; closed at the end of the test. */
async function host(t: test.TestContext, encrypter: Encrypter): Promise<Libp2p> {
  const libp2p = await createLibp2p({
    addresses: { listen: ['/ip4/127.0.0.1/tcp/0'] },
    transports: [tcp()],
    connectionEncrypters: [encrypter],
    streamMuxers: [yamux()],
    connectionMonitor: { enabled: false },
  })
  t.after(() => libp2p.stop())
  return libp2p
}

/** Bytes sent by one side, in pieces of all sizes that matter, and the hash that the other side saw. */
async function transfer(from: Stream, to: Stream): Promise<{ sent: string; seen: string }> {
  const sizes = [1, 2, 3, 100, 1_199, 1_200, 16_384, 65_507, 65_508, 65_519, 65_520, 131_072, 300_000]
  const sent = createHash('sha256')
  const seen = createHash('sha256')
  const total = sizes.reduce((sum, size) => sum + size, 0)
  let received = 0
  const done = Promise.withResolvers<void>()
  to.addEventListener('message', ({ data }) => {
    for (const chunk of data instanceof Uint8Array ? [data] : data) seen.update(chunk)
    received += data.byteLength
    if (received === total) done.resolve()
  })
  for (const size of sizes) {
    const bytes = randomBytes(size)
    sent.update(bytes)
    if (!from.send(bytes)) await from.onDrain()
  }
  await done.promise
  return { sent: sent.digest('hex'), seen: seen.digest('hex') }
}

for (const [name, dialler, listener] of [
  ['native and native', native, native],
  ['native dialling stock libp2p', native, stock],
  ['stock libp2p dialling native', stock, native],
] as const) {
  test(`bytes of every size arrive intact both ways: ${name}`, async (t) => {
    const [a, b] = await Promise.all([host(t, dialler), host(t, listener)])
    const accepted = Promise.withResolvers<Stream>()
    await b.handle('/test/1', (stream) => accepted.resolve(stream))
    const here = await a.dialProtocol(b.getMultiaddrs(), '/test/1')
    const there = await accepted.promise
    const forth = await transfer(here, there)
    assert.equal(forth.seen, forth.sent)
    const back = await transfer(there, here)
    assert.equal(back.seen, back.sent)
  })
}

test('a message leaves in one write to the socket, where stock Noise makes two', async (t) => {
  const writes = { native: 0, stock: 0 }
  for (const kind of ['native', 'stock'] as const) {
    const [a, b] = await Promise.all([host(t, kind === 'native' ? native : stock), host(t, stock)])
    const received = Promise.withResolvers<void>()
    await b.handle('/test/1', (stream) => {
      let bytes = 0
      stream.addEventListener('message', ({ data }) => {
        bytes += data.byteLength
        if (bytes === 100_000) received.resolve()
      })
    })
    const stream = await a.dialProtocol(b.getMultiaddrs(), '/test/1')
    const socketWrites = countWrites(a)
    for (let i = 0; i < 100; i++) stream.send(new Uint8Array(1_000))
    await received.promise
    writes[kind] = socketWrites()
  }
  assert.ok(writes.native >= 100 && writes.native < 120, `native made ${writes.native}`)
  assert.ok(writes.stock >= 200, `stock made ${writes.stock}`)
})

/** Counts the buffers that the only connection of `libp2p` hands to its socket from now on. */
function countWrites(libp2p: Libp2p): () => number {
  const socket = socketOf(libp2p)
  const write = socket.write.bind(socket) as (bytes: Uint8Array) => boolean
  let count = 0
  socket.write = (bytes: Uint8Array) => {
    count++
    return write(bytes)
  }
  return () => count
}

test('little waits in the kernel: the socket says that it has enough long before it does under stock Noise', async (t) => {
  const taken = { native: 0, stock: 0 }
  for (const kind of ['native', 'stock'] as const) {
    const [a, b] = await Promise.all([host(t, kind === 'native' ? native : stock), host(t, stock)])
    const accepted = Promise.withResolvers<void>()
    await b.handle('/test/1', () => accepted.resolve())
    await a.dialProtocol(b.getMultiaddrs(), '/test/1')
    await accepted.promise
    socketOf(b).pause()
    const socket = socketOf(a)
    while (taken[kind] < 64_000_000 && socket.write(new Uint8Array(65_000))) taken[kind] += 65_000
  }
  assert.ok(taken.native < taken.stock / 2, `${taken.native} of ${taken.stock} bytes`)
})

/** The socket of a host's only connection. */
function socketOf(libp2p: Libp2p): Socket {
  return (libp2p.getConnections()[0] as unknown as { maConn: { socket: Socket } }).maConn.socket
}
