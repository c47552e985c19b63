import type { FrameFault, FrameView } from '@wakunet/ethernet'
import type { GuardVerdict } from './guard-drops.ts'
import type { GuardPort } from './guard-port.ts'

/**
 * What the switch does with a frame, as far as storms go:
 * - `unicast`: to the one station that it is for
 * - `stream`: multicast to those who asked for it
 * - `broadcast`, `multicast`, `unknown-unicast`: to everybody
 */
export type GuardTraffic = 'unicast' | 'stream' | 'broadcast' | 'multicast' | 'unknown-unicast'

/** The frame that is being looked at. One object is filled again for every frame. */
export interface GuardFrame {
  bytes: Uint8Array
  /** Of the Ethernet header. */
  offset: number
  length: number
  readonly view: FrameView
  /** What `parseFrame` said; the view means nothing unless it is `ok`. */
  fault: FrameFault | 'ok'
  port: GuardPort
  traffic: GuardTraffic
  nowMs: number
}

/** One defence. Pure but for its counters and tables; allocates nothing for a frame that passes. */
export interface Guard {
  inspect(frame: GuardFrame): GuardVerdict
}

/** Inner VLANs (tags with an id) have addresses of their own: bindings are of untagged and priority-tagged frames. */
export function isInnerVlan(frame: GuardFrame): boolean {
  const { bytes, offset, view } = frame
  return view.tagCount > 0 && (((bytes[offset + 14]! & 0x0f) << 8) | bytes[offset + 15]!) !== 0
}

/** True where the six bytes at `offset` are the source address of the frame. */
export function isSourceMac(frame: GuardFrame, offset: number): boolean {
  for (let i = 0; i < 6; i++) if (frame.bytes[offset + i] !== frame.bytes[frame.offset + 6 + i]) return false
  return true
}
