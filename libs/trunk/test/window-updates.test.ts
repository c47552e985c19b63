import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Stream } from '@libp2p/interface'
import { tcp } from '@libp2p/tcp'
import { createLibp2p, type Libp2p } from 'libp2p'
import { guardedYamux, nativeNoise, StreamPath, widenWindow } from '../src/index.ts'

async function host(t: test.TestContext): Promise<Libp2p> {
  const libp2p = await createLibp2p({
    addresses: { listen: ['/ip4/127.0.0.1/tcp/0'] },
    transports: [tcp()],
    connectionEncrypters: [nativeNoise()],
    streamMuxers: [guardedYamux({})],
    connectionMonitor: { enabled: false },
  })
  t.after(() => libp2p.stop())
  return libp2p
}

/** Streams of one connection, both ends. */
async function connect(t: test.TestContext): Promise<[Stream, Stream]> {
  const [a, b] = await Promise.all([host(t), host(t)])
  const accepted = Promise.withResolvers<Stream>()
  await b.handle('/test/1', (stream) => accepted.resolve(stream))
  return [await a.dialProtocol(b.getMultiaddrs(), '/test/1'), await accepted.promise]
}

/** Counts the window updates that `stream` sends from now on. */
function countUpdates(stream: Stream): () => number {
  const internals = stream as unknown as { sendFrame: (header: { type: number }) => boolean }
  const sendFrame = internals.sendFrame.bind(stream)
  let count = 0
  internals.sendFrame = (header, ...data: []) => {
    if (header.type === 1) count++
    return sendFrame(header, ...data)
  }
  return () => count
}

/** Sends `count` records of 1,000 bytes over the connection; resolves when the last has arrived. */
async function transfer(from: Stream, to: Stream, count: number): Promise<void> {
  const done = Promise.withResolvers<void>()
  let left = count
  const common = { maxRecordBytes: 10_000, queueBytes: 64_000_000, onMalformed: done.reject }
  new StreamPath({ ...common, stream: to, onRecord: () => --left === 0 && done.resolve() })
  const path = new StreamPath({ ...common, stream: from, onRecord: () => {} })
  for (let i = 0; i < count; i++) path.send(new Uint8Array(1_000))
  await done.promise
}

test('a window is refilled in few updates, and a transfer of many windows goes through', async (t) => {
  const [here, there] = await connect(t)
  const updates = countUpdates(there)
  await transfer(here, there, 5_000)
  // 5 MB through a window of 256 KiB at least: never more than one update for each half of it.
  assert.ok(updates() >= 1 && updates() <= 40, `${updates()} updates`)
})

test('a stream of another muxer is left alone', () => {
  const stream = { send: () => true }
  widenWindow(stream)
  assert.deepEqual(Object.keys(stream), ['send'])
})
