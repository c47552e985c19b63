/**
 * Real sockets over two TAPs that the test joins, one TAP in a second namespace:
 *
 *   sender ── kernel ── wkleft ═══ this process ═══ wkright ── kernel ── receiver
 *   this namespace                                        namespace of the receiver
 */
import assert from 'node:assert/strict'
import { type ChildProcess, execFileSync, spawn } from 'node:child_process'
import { createSocket } from 'node:dgram'
import { once } from 'node:events'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import type { TapPort } from '@wakunet/interface'
import { requirePrograms } from '@wakunet/testing'
import { enterNamespace } from './enter-namespace.ts'
import { ip, startTap } from './kernel-tap-bench.ts'

enterNamespace(import.meta.filename)
requirePrograms(['nsenter'])

const PEER = join(import.meta.dirname, 'programs/tcp-peer.ts')
const PORT = 7777

/** What went over the wire in one direction. */
interface Flow {
  largestFrame: number
  readonly gsoTypes: Set<number>
}

/** Writes what one port reads to the other. */
function passOn(from: TapPort, to: TapPort): Flow {
  const flow: Flow = { largestFrame: 0, gsoTypes: new Set() }
  from.onFrames = (batch) => {
    for (let i = 0; i < batch.count; i++) {
      flow.largestFrame = Math.max(flow.largestFrame, batch.lengths[i]!)
      flow.gsoTypes.add(batch.bytes[batch.offsets[i]! + 1]!)
    }
    to.write(batch)
  }
  return flow
}

/** A receiver in a namespace of its own; it has started, but listens only once it prints so. */
function startReceiver(t: TestContext): ChildProcess {
  const args = ['--pdeathsig', 'KILL', 'unshare', '--net', process.execPath, PEER, 'serve', String(PORT)]
  const child = spawn('setpriv', args, { stdio: ['ignore', 'pipe', 'inherit'] })
  t.after(() => void child.kill('SIGKILL'))
  return child
}

function send(host: string, bytes: number): Promise<{ sent: string; received: string }> {
  const child = spawn(process.execPath, [PEER, 'send', host, String(PORT), String(bytes)], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  let text = ''
  child.stdout.on('data', (chunk) => {
    text += chunk
  })
  return once(child, 'close').then(() => JSON.parse(text))
}

/** The two TAPs, joined, addressed and up on both sides. */
async function makeCable(t: TestContext, offloads: boolean) {
  const receiver = startReceiver(t)
  await once(receiver.stdout!, 'data')
  const left = await startTap(t, { mtu: 1400, offloads, addresses: ['10.55.0.1/24', 'fd55::1/64'] })
  const right = await startTap(t, { mtu: 1400, offloads })
  // The descriptor goes on working; addresses and the up state do not move with the interface.
  ip('link', 'set', 'dev', right.name, 'netns', String(receiver.pid))
  const there = ['--target', String(receiver.pid), '--net', 'ip']
  execFileSync('nsenter', [...there, 'addr', 'add', '10.55.0.2/24', 'dev', right.name])
  execFileSync('nsenter', [...there, 'addr', 'add', 'fd55::2/64', 'dev', right.name, 'nodad'])
  execFileSync('nsenter', [...there, 'link', 'set', 'dev', right.name, 'up'])
  return { left, right, there: passOn(left, right), back: passOn(right, left) }
}

for (const [family, host, gsoType] of [
  ['IPv4', '10.55.0.2', 1],
  ['IPv6', 'fd55::2', 4],
] as const) {
  test(`64 MiB of TCP over ${family} cross two TAPs intact, as super-frames`, async (t) => {
    const { left, right, there } = await makeCable(t, true)
    const { sent, received } = await send(host, 64 << 20)
    assert.equal(received, sent)
    assert.ok(there.largestFrame > 20_000, `largest frame: ${there.largestFrame}`)
    assert.ok(there.largestFrame <= 60_000 + 14, `largest frame: ${there.largestFrame}`)
    assert.ok(there.gsoTypes.has(gsoType))
    assert.equal(right.stats.writeRefused + left.stats.writeRefused, 0)
    assert.ok(right.stats.bytesWritten > 64 << 20)
  })
}

test('8 MiB of TCP cross two TAPs without offloads, in frames of at most the MTU', async (t) => {
  const { right, there } = await makeCable(t, false)
  const { sent, received } = await send('10.55.0.2', 8 << 20)
  assert.equal(received, sent)
  assert.equal(there.largestFrame, 1400 + 14)
  assert.deepEqual([...there.gsoTypes], [0])
  assert.equal(right.stats.writeRefused, 0)
})

test('what the kernel cannot queue on a TAP that nobody reads is lost there, not in our memory', async (t) => {
  const port = await startTap(t, { txQueueLength: 16, addresses: ['10.56.0.1/24'], offloads: false })
  ip('neigh', 'add', '10.56.0.2', 'lladdr', '02:00:00:00:00:02', 'dev', port.name)
  const socket = createSocket('udp4')
  t.after(() => void socket.close())
  await new Promise<void>((resolve) => socket.connect(9, '10.56.0.2', resolve))
  // One turn of the event loop: the port reads nothing meanwhile.
  for (let i = 0; i < 200; i++) socket.send(Buffer.alloc(100))
  const [link] = JSON.parse(ip('-json', '-statistics', 'link', 'show', 'dev', port.name))
  assert.ok(link.stats64.tx.dropped >= 100, `${link.stats64.tx.dropped} dropped`)
})
