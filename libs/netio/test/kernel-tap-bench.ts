import { execFileSync } from 'node:child_process'
import type { TestContext } from 'node:test'
import { FRAME_HEADER_BYTES, type TapPort } from '@wakunet/interface'
import { openTap, type TapInit } from '../src/index.ts'
import { batchOf, isTestFrame, type TapPortBench } from './tap-port-compliance.ts'

let count = 0

/** A name that no other test of this namespace uses. */
export const freshName = (prefix: string): string => `${prefix}${count++}`

export function ip(...args: string[]): string {
  return execFileSync('ip', args, { encoding: 'utf8' })
}

/** A started TAP that goes away after the test. */
export async function startTap(t: TestContext, init: Partial<TapInit> = {}): Promise<TapPort> {
  const port = openTap({ name: freshName('wkt'), ...init })
  t.after(() => port.stop())
  await port.start()
  return port
}

/** The port under test on a Linux bridge with a second TAP that plays the outside. */
export async function makeKernelBench(t: TestContext): Promise<TapPortBench> {
  const port = openTap({ name: freshName('wkt'), headroomBytes: 100 })
  const outside = await startTap(t, { offloads: false })
  const bridge = freshName('wkbr')
  ip('link', 'add', bridge, 'type', 'bridge', 'stp_state', '0', 'mcast_snooping', '0')
  t.after(async () => {
    await port.stop()
    ip('link', 'del', bridge)
  })
  return {
    port,
    headroomBytes: 100,
    attach: async () => {
      for (const name of [port.name, outside.name]) ip('link', 'set', 'dev', name, 'master', bridge)
      ip('link', 'set', 'dev', bridge, 'up')
    },
    inject: (frames) => void outside.write(batchOf(frames)),
    outside: (wanted) => readFrames(outside, wanted, isTestFrame),
    remove: async () => void ip('link', 'del', port.name),
  }
}

/** The next frames that a port reads and that match. */
export function readFrames(
  port: TapPort,
  wanted: number,
  matches: (frame: Uint8Array) => boolean,
): Promise<Uint8Array[]> {
  const { promise, resolve } = Promise.withResolvers<Uint8Array[]>()
  const frames: Uint8Array[] = []
  port.onFrames = (batch) => {
    for (let i = 0; i < batch.count; i++) {
      const start = batch.offsets[i]! + FRAME_HEADER_BYTES
      const frame = batch.bytes.slice(start, start + batch.lengths[i]!)
      if (matches(frame)) frames.push(frame)
    }
    if (frames.length >= wanted) resolve(frames)
  }
  return promise
}

/** Answers the ARP requests for `host` that the kernel sends into the port, as a station with `mac`. */
export function arpReply(request: Uint8Array, mac: readonly number[]): Uint8Array {
  const reply = request.slice(0, 42)
  reply.set(request.subarray(6, 12), 0)
  reply.set(mac, 6)
  reply[21] = 2
  reply.set(mac, 22)
  reply.set(request.subarray(38, 42), 28)
  reply.set(request.subarray(22, 32), 32)
  return reply
}

export const isArpRequest = (frame: Uint8Array): boolean =>
  frame[12] === 8 && frame[13] === 6 && frame[21] === 1
