import {
  FRAME_HEADER_BYTES,
  type FrameBatch,
  type Logger,
  MAX_FRAME_BYTES,
  type TapFeatures,
  type TapPort,
  type TapStats,
  WakunetError,
} from '@wakunet/interface'
import { bridgeOf, joinBridge, readBridge } from './bridge-link.ts'
import { parseInterfaceAddress } from './cidr.ts'
import { checkInterfaceName } from './interface-name.ts'
import { checkMac, configureLink, flapCarrier, prepareIpv6, replaceAddresses } from './link.ts'
import { type NativeTap, native, READABLE } from './native.ts'
import { systemCallError } from './system-error.ts'
import { tapOpenError } from './tap-error.ts'

/** Largest super-frame that the stack builds; with headers it still fits one UDP send of 65,507 bytes. */
export const DEFAULT_GSO_MAX_BYTES = 60_000
/** A UDP send has at most 64 segments. */
const GSO_MAX_SEGMENTS = 64
/** 64 to 256 is right, 16 drops. */
const DEFAULT_TX_QUEUE_LENGTH = 256
/** Room for the headers that go in front of a batch: a record's and a lane envelope's. */
const DEFAULT_HEADROOM_BYTES = 512
/** What one wake-up reads at the most, so that other descriptors get their turn. */
const FRAMES_PER_TURN = 64
const BRIDGE_CHECK_MS = 5_000
const LARGEST_FRAMES_PER_TURN = 8

export interface TapInit {
  /** At most 15 characters. An existing persistent TAP of that name is opened, and left there by `stop`. */
  readonly name: string
  readonly mac?: string
  readonly mtu?: number
  /** CIDR form; left out: the interface's addresses are not touched. */
  readonly addresses?: readonly string[]
  /**
   * A Linux bridge that the interface becomes a port of. It then has no addresses, and an MTU that does not lower the
   * bridge's: a bridge would drop what is larger without telling anybody.
   */
  readonly bridge?: string
  /** How often to look whether it still is one: nobody else says so. Default 5,000. */
  readonly bridgeCheckMs?: number
  /** IPv6 addresses skip duplicate address detection, the link-local one too. Default true. */
  readonly noDad?: boolean
  readonly gsoMaxBytes?: number
  readonly txQueueLength?: number
  /**
   * Default true. False: the kernel hands out and takes whole frames of at most the MTU with complete
   * checksums; the header slot is zero when read and ignored when written.
   */
  readonly offloads?: boolean
  /** Free bytes in front of the first frame of a batch. */
  readonly headroomBytes?: number
  readonly logger?: Logger
}

/**
 * A TAP interface on Linux, created by `start` and removed by `stop` (a persistent one stays).
 * `start` throws WakunetError `ERR_INTERFACE_NAME_INVALID`, `ERR_INTERFACE_NAME_TAKEN`,
 * `ERR_TUN_DEVICE_MISSING`, `ERR_MISSING_PRIVILEGE`, `ERR_BRIDGE_MISSING`, `ERR_MISSING_PROGRAM`, `ERR_ADDRESS_INVALID`,
 * `ERR_NATIVE_ADDON_MISSING` or `ERR_SYSTEM_CALL`.
 */
export function openTap(init: TapInit): TapPort {
  return new KernelTap(init)
}

class KernelTap implements TapPort {
  onFrames: ((batch: FrameBatch) => void) | null = null
  onError: ((error: Error) => void) | null = null
  readonly name: string
  readonly stats = {
    framesRead: 0,
    bytesRead: 0,
    framesWritten: 0,
    bytesWritten: 0,
    writeRefused: 0,
    writeDropped: 0,
  } satisfies TapStats
  readonly #init: TapInit
  readonly #headroom: number
  readonly #batch: FrameBatch
  readonly #result = new Float64Array(4)
  #native: NativeTap | undefined
  #starting: Promise<void> | undefined
  #ipv6 = false
  #flapping: Promise<void> | undefined
  #bridgeDelayMs = 0
  #bridgeTimer: NodeJS.Timeout | undefined
  #mac = ''
  #features: TapFeatures

  constructor(init: TapInit) {
    checkInterfaceName(init.name)
    init.addresses?.forEach(parseInterfaceAddress)
    if (init.mac !== undefined) checkMac(init.mac)
    if (init.bridge !== undefined) {
      checkInterfaceName(init.bridge)
      if (init.addresses !== undefined && init.addresses.length > 0) throw portHasNoAddresses(init)
    }
    this.name = init.name
    this.#init = init
    this.#features = { vnetHeader: init.offloads ?? true, uso: false }
    this.#headroom = init.headroomBytes ?? DEFAULT_HEADROOM_BYTES
    this.#batch = {
      bytes: new Uint8Array(
        this.#headroom + LARGEST_FRAMES_PER_TURN * (FRAME_HEADER_BYTES + MAX_FRAME_BYTES),
      ),
      offsets: new Uint32Array(FRAMES_PER_TURN),
      lengths: new Uint32Array(FRAMES_PER_TURN),
      count: 0,
    }
  }

  get mac(): string {
    return this.#mac
  }

  get bridgeDelayMs(): number {
    return this.#bridgeDelayMs
  }

  get features(): TapFeatures {
    return this.#features
  }

  start(signal?: AbortSignal): Promise<void> {
    this.#starting ??= this.#open(signal)
    return this.#starting
  }

  async stop(): Promise<void> {
    const starting = this.#starting
    this.#close()
    await starting?.catch(() => {})
  }

  write(batch: FrameBatch): number {
    const tap = this.#native
    if (!tap) {
      this.stats.writeDropped += batch.count
      return 0
    }
    const taken = tap.writeBatch(batch.bytes, batch.offsets, batch.lengths, batch.count, this.#result)
    const result = this.#result
    const errno = result[3]!
    this.stats.framesWritten += taken
    this.stats.bytesWritten += result[0]!
    this.stats.writeRefused += result[1]!
    this.stats.writeDropped += result[2]!
    // Later: whoever writes does not expect to be called back in the middle of it.
    if (errno !== 0) queueMicrotask(() => this.#fail(tap, errno))
    return taken
  }

  async setAddresses(addresses: readonly string[]): Promise<void> {
    if (!this.#native) throw this.#notStarted()
    if (this.#init.bridge !== undefined && addresses.length > 0) throw portHasNoAddresses(this.#init)
    await this.#replaceAddresses(addresses)
  }

  flapCarrier(): Promise<void> {
    if (!this.#native) return Promise.reject(this.#notStarted())
    this.#flapping ??= flapCarrier(this.name).finally(() => {
      this.#flapping = undefined
    })
    return this.#flapping
  }

  async #open(signal?: AbortSignal): Promise<void> {
    let tap: NativeTap | undefined
    try {
      signal?.throwIfAborted()
      tap = new (native().Tap)(this.name, this.#init.offloads ?? true)
      this.#native = tap
      await this.#configure(signal)
      // `stop` may have come meanwhile, and another `start` after it.
      if (this.#native !== tap) throw this.#notStarted()
      this.#watch(tap)
    } catch (error) {
      tap?.close()
      if (this.#native === tap) this.#close()
      throw tap ? error : await tapOpenError(this.name, error)
    }
  }

  async #configure(signal?: AbortSignal): Promise<void> {
    const { name, mac, addresses, bridge, noDad = true } = this.#init
    const mtu = bridge === undefined ? this.#init.mtu : await this.#prepareFor(bridge, signal)
    await configureLink(
      name,
      {
        ...(mac !== undefined && { mac }),
        ...(mtu !== undefined && { mtu }),
        gsoMaxBytes: this.#init.gsoMaxBytes ?? DEFAULT_GSO_MAX_BYTES,
        gsoMaxSegments: GSO_MAX_SEGMENTS,
        txQueueLength: this.#init.txQueueLength ?? DEFAULT_TX_QUEUE_LENGTH,
      },
      signal,
    )
    if (bridge !== undefined) await joinBridge(name, bridge, signal)
    else this.#ipv6 = await prepareIpv6(name, noDad)
    if (addresses) await this.#replaceAddresses(addresses, signal)
    await configureLink(name, { up: true }, signal)
  }

  /** @returns the MTU of a port of that bridge */
  async #prepareFor(bridge: string, signal?: AbortSignal): Promise<number> {
    const { mtu, stp, forwardDelayMs } = await readBridge(bridge, signal)
    // A new port listens, then learns, before it forwards (802.1D-2004 section 17.21).
    this.#bridgeDelayMs = stp === 'off' ? 0 : 2 * forwardDelayMs
    return Math.max(this.#init.mtu ?? 0, mtu)
  }

  #watch(tap: NativeTap): void {
    this.#mac = tap.mac()
    this.#features = { vnetHeader: this.#init.offloads ?? true, uso: tap.uso() }
    tap.watch((status) => this.#onReady(tap, status))
    tap.interest(READABLE)
    if (this.#init.bridge === undefined) return
    this.#bridgeTimer = setInterval(
      () => void this.#checkBridge(tap),
      this.#init.bridgeCheckMs ?? BRIDGE_CHECK_MS,
    ).unref()
  }

  /** A bridge that was removed, or a port that was taken out, leaves the TAP as it was. */
  async #checkBridge(tap: NativeTap): Promise<void> {
    const { bridge } = this.#init
    // `ip` may fail for its own reasons; the next look is soon.
    const found = await bridgeOf(this.name).catch(() => bridge)
    if (this.#native !== tap || found === bridge) return
    this.#close()
    this.onError?.(
      new WakunetError('ERR_BRIDGE_MISSING', `${this.name} is no longer a port of the bridge ${bridge}.`),
    )
  }

  async #replaceAddresses(addresses: readonly string[], signal?: AbortSignal): Promise<void> {
    const usable = this.#ipv6 ? addresses : addresses.filter((a) => parseInterfaceAddress(a).family === 4)
    if (usable.length < addresses.length) {
      this.#init.logger?.warn('IPv6 is switched off on this host: IPv6 addresses are left out', {
        interface: this.name,
      })
    }
    await replaceAddresses(this.name, usable, this.#init.noDad ?? true, signal)
  }

  /** Level-triggered: what is left over calls again in the next turn of the event loop. */
  #onReady(tap: NativeTap, status: number): void {
    if (status < 0) this.#fail(tap, -status)
    else this.#read(tap)
  }

  #read(tap: NativeTap): void {
    const batch = this.#batch
    const { bytes, offsets, lengths } = batch
    const count = tap.readBatch(bytes, this.#headroom, offsets, lengths, FRAMES_PER_TURN)
    if (count < 0) this.#fail(tap, -count)
    if (count <= 0) return
    batch.count = count
    const last = count - 1
    const end = offsets[last]! + FRAME_HEADER_BYTES + lengths[last]!
    this.stats.framesRead += count
    this.stats.bytesRead += end - this.#headroom - count * FRAME_HEADER_BYTES
    this.onFrames?.(batch)
  }

  #fail(tap: NativeTap, errno: number): void {
    if (this.#native !== tap) return
    this.#close()
    this.onError?.(systemCallError(`The interface ${this.name} is gone`, errno))
  }

  #close(): void {
    clearInterval(this.#bridgeTimer)
    this.#native?.close()
    this.#native = undefined
    this.#starting = undefined
  }

  #notStarted(): WakunetError {
    return new WakunetError('ERR_NOT_STARTED', `The interface ${this.name} is not open.`)
  }
}

function portHasNoAddresses({ name, bridge }: TapInit): WakunetError {
  return new WakunetError(
    'ERR_ADDRESS_INVALID',
    `${name} is a port of the bridge ${bridge} and has no addresses: give them to ${bridge}.`,
  )
}
