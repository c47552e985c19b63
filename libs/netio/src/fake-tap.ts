import {
  FRAME_HEADER_BYTES,
  type FrameBatch,
  GSO_ECN,
  GSO_NONE,
  GSO_TCPV4,
  GSO_TCPV6,
  GSO_UDP_L4,
  MAX_BATCH_FRAMES,
  MAX_FRAME_BYTES,
  MIN_FRAME_BYTES,
  NEEDS_CSUM,
  type TapFeatures,
  type TapPort,
  type TapStats,
  WakunetError,
} from '@wakunet/interface'
import { formatInterfaceAddress, parseInterfaceAddress } from './cidr.ts'
import { checkInterfaceName } from './interface-name.ts'

export interface FakeTapInit {
  readonly name?: string
  readonly mac?: string
  readonly features?: TapFeatures
  readonly addresses?: readonly string[]
  readonly headroomBytes?: number
  /** Written frames that are kept until `takeWritten`; more are dropped, as by a full queue. Default 1,024. */
  readonly queueFrames?: number
}

/** A frame with its 12-byte virtio-net header. */
export interface TapFrame {
  readonly header: Uint8Array
  readonly frame: Uint8Array
}

const GSO_TYPES = [GSO_NONE, GSO_TCPV4, GSO_TCPV6, GSO_UDP_L4]

/**
 * A TAP in memory for tests: `inject` plays the kernel that sends, `takeWritten` the one that receives. It
 * refuses the headers that Linux refuses with EINVAL.
 */
export class FakeTap implements TapPort {
  onFrames: ((batch: FrameBatch) => void) | null = null
  onError: ((error: Error) => void) | null = null
  readonly name: string
  readonly mac: string
  readonly features: TapFeatures
  readonly bridgeDelayMs = 0
  readonly stats = {
    framesRead: 0,
    bytesRead: 0,
    framesWritten: 0,
    bytesWritten: 0,
    writeRefused: 0,
    writeDropped: 0,
  } satisfies TapStats
  readonly #headroom: number
  readonly #queueFrames: number
  #addresses: readonly string[]
  #carrierFlaps = 0
  #written: TapFrame[] = []
  #started = false

  constructor(init: FakeTapInit = {}) {
    this.name = init.name ?? 'fake0'
    checkInterfaceName(this.name)
    this.mac = init.mac ?? '02:00:00:00:00:fa'
    this.features = init.features ?? { vnetHeader: true, uso: true }
    this.#addresses = normalize(init.addresses ?? [])
    this.#headroom = init.headroomBytes ?? 512
    this.#queueFrames = init.queueFrames ?? 1024
  }

  get started(): boolean {
    return this.#started
  }

  /** In CIDR form, as set last. */
  get addresses(): readonly string[] {
    return this.#addresses
  }

  /** How often the carrier was taken away. */
  get carrierFlaps(): number {
    return this.#carrierFlaps
  }

  async start(signal?: AbortSignal): Promise<void> {
    signal?.throwIfAborted()
    this.#started = true
  }

  async stop(): Promise<void> {
    this.#started = false
  }

  async setAddresses(addresses: readonly string[]): Promise<void> {
    this.#requireStarted()
    this.#addresses = normalize(addresses)
  }

  async flapCarrier(): Promise<void> {
    this.#requireStarted()
    this.#carrierFlaps++
  }

  write(batch: FrameBatch): number {
    let taken = 0
    for (let i = 0; i < batch.count; i++) {
      const offset = batch.offsets[i]!
      const start = offset + FRAME_HEADER_BYTES
      const end = start + batch.lengths[i]!
      if (end > batch.bytes.length) throw new RangeError('netio: a frame must be within its buffer')
      if (!this.#started || this.#written.length >= this.#queueFrames) {
        this.stats.writeDropped += batch.count - i
        break
      }
      const written = { header: batch.bytes.slice(offset, start), frame: batch.bytes.slice(start, end) }
      if (!this.#accepts(written)) {
        this.stats.writeRefused++
        continue
      }
      this.#written.push(written)
      this.stats.framesWritten++
      this.stats.bytesWritten += written.frame.length
      taken++
    }
    return taken
  }

  /**
   * Hands frames to `onFrames` as one wake-up, in a buffer of their own.
   * @param frames bare frames (behind a header of zeros), or frames with their headers
   */
  inject(frames: readonly (Uint8Array | TapFrame)[]): void {
    this.#requireStarted()
    if (frames.length > MAX_BATCH_FRAMES)
      throw new RangeError(`at most ${MAX_BATCH_FRAMES} frames in a batch`)
    const entries = frames.map(withHeader)
    const total = entries.reduce((sum, { frame }) => sum + FRAME_HEADER_BYTES + frame.length, 0)
    const batch: FrameBatch = {
      bytes: new Uint8Array(this.#headroom + total),
      offsets: new Uint32Array(entries.length),
      lengths: new Uint32Array(entries.length),
      count: entries.length,
    }
    let offset = this.#headroom
    for (const [i, { header, frame }] of entries.entries()) {
      batch.bytes.set(header, offset)
      batch.bytes.set(frame, offset + FRAME_HEADER_BYTES)
      batch.offsets[i] = offset
      batch.lengths[i] = frame.length
      offset += FRAME_HEADER_BYTES + frame.length
    }
    this.stats.framesRead += entries.length
    this.stats.bytesRead += total - entries.length * FRAME_HEADER_BYTES
    this.onFrames?.(batch)
  }

  /** What was written since the last call, oldest first. */
  takeWritten(): TapFrame[] {
    const written = this.#written
    this.#written = []
    return written
  }

  /** The interface is gone, as after `ip link delete`. */
  fail(error: Error = new WakunetError('ERR_SYSTEM_CALL', `The interface ${this.name} is gone.`)): void {
    if (!this.#started) return
    this.#started = false
    this.onError?.(error)
  }

  #accepts({ header, frame }: TapFrame): boolean {
    if (frame.length < MIN_FRAME_BYTES || frame.length > MAX_FRAME_BYTES) return false
    return !this.features.vnetHeader || headerAddsUp(header, frame.length)
  }

  #requireStarted(): void {
    if (!this.#started) throw new WakunetError('ERR_NOT_STARTED', `The interface ${this.name} is not open.`)
  }
}

/** The checks of Linux `virtio_net_hdr_to_skb` that need no parsing of the frame. */
function headerAddsUp(header: Uint8Array, frameLength: number): boolean {
  const view = new DataView(header.buffer, header.byteOffset)
  const type = view.getUint8(1) & ~GSO_ECN
  const checksumEnd = view.getUint16(6, true) + view.getUint16(8, true) + 2
  if (view.getUint8(0) & NEEDS_CSUM && checksumEnd > frameLength) return false
  return GSO_TYPES.includes(type) && (type === GSO_NONE || view.getUint16(4, true) > 0)
}

function withHeader(frame: Uint8Array | TapFrame): TapFrame {
  return frame instanceof Uint8Array ? { header: new Uint8Array(FRAME_HEADER_BYTES), frame } : frame
}

function normalize(addresses: readonly string[]): string[] {
  return addresses.map((address) => formatInterfaceAddress(parseInterfaceAddress(address)))
}
