/**
 * Measures a Unix lane between two processes: `node libs/lane/bench/unix-lane.ts [seconds]`.
 *
 * For each implementation, in turn: how many Gbit/s of messages of three sizes arrive, with the processor
 * time of both processes per gigabyte, and the round trip of 100 bytes and of 60 KiB. The receiver touches
 * nothing; the sender keeps at most 4 MiB in its queue, so that nothing is dropped.
 */
import { fork } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { LaneConnection } from '@wakunet/interface'
import { createLogger, systemClock } from '@wakunet/service-kit'
import { UnixLaneClient, UnixLaneServer } from '../src/index.ts'
import { type BenchLane, connectNodeNet, listenNodeNet } from './node-net-lane.ts'

const MAX_QUEUED_BYTES = 4 * 1024 * 1024
const TURN_BYTES = 256 * 1024
const logger = createLogger({ name: 'bench', level: 'error' })

type Kind = 'netio' | 'node:net'

const wrap = (lane: LaneConnection): BenchLane => ({
  send: (parts) => lane.send(parts),
  get onMessage() {
    return lane.onMessage
  },
  set onMessage(handler) {
    lane.onMessage = handler
  },
  get queuedBytes() {
    return lane.stats.queuedBytes
  },
  close: () => {},
})

async function listen(kind: Kind, path: string): Promise<BenchLane> {
  if (kind === 'node:net') return listenNodeNet(path)
  const server = new UnixLaneServer({ path, logger, clock: systemClock })
  await server.start()
  return new Promise((resolve) => {
    server.onConnection = (connection) => resolve(wrap(connection))
  })
}

async function attach(kind: Kind, path: string): Promise<BenchLane> {
  if (kind === 'node:net') return connectNodeNet(path)
  const client = new UnixLaneClient({ path, name: 'bench', logger, clock: systemClock })
  await client.start()
  return wrap(client)
}

/** The other process: echoes messages whose first byte is 1, counts the rest, tells when asked (first byte 2). */
async function runReceiver(kind: Kind, path: string): Promise<void> {
  const lane = await attach(kind, path)
  let bytes = 0
  const report = Buffer.alloc(16)
  lane.onMessage = (message) => {
    if (message[0] === 0) bytes += message.length
    else if (message[0] === 1) lane.send([message])
    else {
      const { user, system } = process.cpuUsage()
      report.writeDoubleLE(bytes, 0)
      report.writeDoubleLE(user + system, 8)
      lane.send([report])
    }
  }
  // Ready: what came earlier would have found no handler.
  lane.send([report])
}

const nextTurn = () => new Promise<void>((resolve) => setImmediate(resolve))

async function ask(lane: BenchLane): Promise<{ bytes: number; cpuUs: number }> {
  const answer = new Promise<Uint8Array>((resolve) => {
    lane.onMessage = (message) => resolve(new Uint8Array(message))
  })
  lane.send([new Uint8Array([2])])
  const report = Buffer.from(await answer)
  return { bytes: report.readDoubleLE(0), cpuUs: report.readDoubleLE(8) }
}

async function throughput(lane: BenchLane, size: number, seconds: number): Promise<string> {
  const message = new Uint8Array(size)
  const before = await ask(lane)
  const cpuBefore = process.cpuUsage()
  const start = performance.now()
  while (performance.now() - start < seconds * 1_000) {
    for (let sent = 0; sent < TURN_BYTES && lane.queuedBytes < MAX_QUEUED_BYTES; sent += size)
      lane.send([message])
    await nextTurn()
  }
  const after = await ask(lane)
  const elapsedMs = performance.now() - start
  const cpu = process.cpuUsage(cpuBefore)
  const bytes = after.bytes - before.bytes
  const gbps = (bytes * 8) / elapsedMs / 1e6
  const cpuPerGb = ((cpu.user + cpu.system + after.cpuUs - before.cpuUs) / 1e6 / bytes) * 1e9
  return `${gbps.toFixed(2)} Gbit/s, ${cpuPerGb.toFixed(2)} CPU s/GB`
}

async function roundTrip(lane: BenchLane, size: number, seconds: number): Promise<string> {
  const message = new Uint8Array(size).fill(1)
  const timesUs: number[] = []
  const end = performance.now() + seconds * 1_000
  while (performance.now() < end) {
    const start = performance.now()
    const back = new Promise<void>((resolve) => {
      lane.onMessage = () => resolve()
    })
    lane.send([message])
    await back
    timesUs.push((performance.now() - start) * 1_000)
    await nextTurn()
  }
  timesUs.sort((a, b) => a - b)
  const at = (share: number) => timesUs[Math.floor(timesUs.length * share)]!.toFixed(0)
  return `p50 ${at(0.5)} µs, p99 ${at(0.99)} µs`
}

async function measure(kind: Kind, seconds: number): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), 'wakunet-lane-bench-'))
  const path = join(folder, 'lane')
  const listening = listen(kind, path)
  await nextTurn()
  const child = fork(import.meta.filename, ['receiver', kind, path])
  const lane = await listening
  await new Promise<void>((resolve) => {
    lane.onMessage = () => resolve()
  })
  for (const size of [100, 1_500, 60 * 1024]) {
    console.log(`${kind.padEnd(8)} ${String(size).padStart(6)} B  ${await throughput(lane, size, seconds)}`)
  }
  for (const size of [100, 60 * 1024]) {
    console.log(
      `${kind.padEnd(8)} ${String(size).padStart(6)} B  round trip ${await roundTrip(lane, size, seconds)}`,
    )
  }
  child.kill()
  lane.close()
  rmSync(folder, { recursive: true })
}

if (process.argv[2] === 'receiver') {
  await runReceiver(process.argv[3] as Kind, process.argv[4]!)
} else {
  const seconds = Number(process.argv[2] ?? 1)
  for (const kind of ['netio', 'node:net', 'netio', 'node:net'] as const) await measure(kind, seconds)
  process.exit(0)
}
