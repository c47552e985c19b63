import { FRAME_HEADER_BYTES, type FrameBatch } from '@wakunet/interface'
import type { MemberInit } from '../src/index.ts'

export const BROADCAST = 0xffff_ffff_ffff

export function macBytes(mac: number): Uint8Array {
  return Uint8Array.from({ length: 6 }, (_, i) => Math.floor(mac / 2 ** (40 - 8 * i)) % 256)
}

export function id(fill: number): Uint8Array {
  return new Uint8Array(16).fill(fill)
}

export function nonce(fill: number): Uint8Array {
  return new Uint8Array(8).fill(fill)
}

export function memberInit(fill: number, mac: number | null = null, boot = fill): MemberInit {
  return { nodeId: Buffer.from(id(fill)).toString('hex'), id: id(fill), bootNonce: nonce(boot), mac }
}

/** An Ethernet frame of 60 bytes. */
export function frameOf(source: number, destination: number): Uint8Array {
  const bytes = new Uint8Array(60)
  bytes.set(macBytes(destination), 0)
  bytes.set(macBytes(source), 6)
  bytes[12] = 0x08
  return bytes
}

export function batchOf(frames: readonly Uint8Array[]): FrameBatch {
  const size = frames.reduce((sum, frame) => sum + FRAME_HEADER_BYTES + frame.length, 0)
  const batch = {
    bytes: new Uint8Array(size),
    offsets: new Uint32Array(frames.length),
    lengths: new Uint32Array(frames.length),
    count: frames.length,
  }
  let at = 0
  for (const [i, frame] of frames.entries()) {
    batch.offsets[i] = at
    batch.lengths[i] = frame.length
    batch.bytes.set(frame, at + FRAME_HEADER_BYTES)
    at += FRAME_HEADER_BYTES + frame.length
  }
  return batch
}
