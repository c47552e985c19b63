import type { FrameBatch } from './frames.ts'
import type { Startable } from './startable.ts'

/** What the kernel agreed to for a TAP. */
export interface TapFeatures {
  /** Frames carry virtio-net headers and may be super-frames with partial checksums. */
  readonly vnetHeader: boolean
  /** UDP super-frames (Linux 6.2 and later). */
  readonly uso: boolean
}

/** One TAP interface as the switch sees it; implemented by `@wakunet/netio` and by a fake beside it. */
export interface TapPort extends Startable {
  readonly name: string
  /** Lower-case, colon-separated; known after start. */
  readonly mac: string
  readonly features: TapFeatures
  /** How long after `start` frames may not pass yet: the spanning tree of a bridge that it is a port of. Known after start. */
  readonly bridgeDelayMs: number
  readonly stats: TapStats
  /**
   * Called with what one wake-up read: virtio-net headers in the header slots, space of
   * `headroomBytes` before the first one. Valid only during the call.
   */
  onFrames: ((batch: FrameBatch) => void) | null
  /** Called once when the interface is gone or its descriptor fails; the port has stopped itself by then. */
  onError: ((error: Error) => void) | null
  /**
   * Writes frames, each behind a virtio-net header that the caller has built itself. Frames that the kernel
   * refuses are skipped and counted; a full queue drops the rest of the batch.
   * @returns how many frames the kernel took
   */
  write(batch: FrameBatch): number
  /**
   * Addresses in CIDR form; those that are there and not listed are removed. Link-local ones stay, and those that the kernel makes
   * out of router advertisements.
   */
  setAddresses(addresses: readonly string[]): Promise<void>
  /**
   * The carrier goes away for a moment, as a cable that is pulled: clients behind the interface that watch it ask for an
   * address anew. Addresses of the interface stay. Calls meanwhile are one.
   */
  flapCarrier(): Promise<void>
}

/** Monotonic counters of a TAP port. */
export interface TapStats {
  readonly framesRead: number
  readonly bytesRead: number
  readonly framesWritten: number
  readonly bytesWritten: number
  /** Refused by the kernel with EINVAL: a header or frame that it would not take. */
  readonly writeRefused: number
  /** Dropped because the kernel's queue was full. */
  readonly writeDropped: number
}
