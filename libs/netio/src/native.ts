import { createRequire } from 'node:module'
import { fileURLToPath } from 'node:url'
import { WakunetError } from '@wakunet/interface'

/**
 * The native addon as it is: batched primitives over descriptors and ciphers, every argument checked there.
 * Only the nouns of this project use it. System errors carry `code` (EPERM), `errno` (positive) and `syscall`.
 */
export interface NativeAddon {
  Tap: new (name: string, offloads: boolean) => NativeTap
  Aead: new (algorithm: string, key: Uint8Array) => NativeAead
  DatagramSealer: new (
    algorithm: string,
    key: Uint8Array,
    salt: Uint8Array,
    index: number,
  ) => NativeDatagramSealer
  DatagramOpener: new (
    algorithm: string,
    key: Uint8Array,
    salt: Uint8Array,
    index: number,
  ) => NativeDatagramOpener
  /** Option TCP_NOTSENT_LOWAT of a descriptor. @returns what is in force */
  limitUnsent(fd: number, bytes: number): number
  /** TCP_INFO of a descriptor into `out`: age of the last ACK (ms), unacknowledged segments, window probes, least round trip (µs). */
  tcpProgress(fd: number, out: Float64Array): void
  Udp: new (
    address: Uint8Array,
    offload: boolean,
    dontFragment: boolean,
    receiveBufferBytes: number,
    sendBufferBytes: number,
  ) => NativeUdp
  /** False when the host is not an address. */
  packAddress(bytes: Uint8Array, offset: number, host: string, port: number, scope: number): boolean
  /** Empty when there is no packed address. */
  addressHost(bytes: Uint8Array, offset: number): string
  UnixListener: new (path: string, mode: number) => NativeDescriptor
  /** Connects to a path, or accepts the next connection of a listener (EAGAIN is thrown when none waits). */
  UnixStream: new (
    source: string | NativeDescriptor,
    bufferBytes: number,
  ) => NativeUnixStream
}

/** A descriptor with its readiness in the event loop. */
export interface NativeDescriptor {
  /** `status` is 0 or a negative errno; `events` a sum of `READABLE` and `WRITABLE`. */
  watch(callback: (status: number, events: number) => void): void
  /** Which events call back: a sum, or 0 for none. Level-triggered. */
  interest(events: number): void
  /** Idempotent. Everything else throws afterwards. */
  close(): void
}

export interface NativeTap extends NativeDescriptor {
  /** How many frames were read, or a negative errno. */
  readBatch(
    bytes: Uint8Array,
    headroom: number,
    offsets: Uint32Array,
    lengths: Uint32Array,
    maxFrames: number,
  ): number
  /** How many were taken. `result` = bytes taken, frames refused, frames dropped, fatal errno or 0. */
  writeBatch(
    bytes: Uint8Array,
    offsets: Uint32Array,
    lengths: Uint32Array,
    count: number,
    result: Float64Array,
  ): number
  mac(): string
  uso(): boolean
}

export interface NativeUdp extends NativeDescriptor {
  /** Entries done with. `result` = bytes sent, entries refused, errno of the first refused or 0. */
  sendBatch(
    bytes: Uint8Array,
    offsets: Uint32Array,
    lengths: Uint32Array,
    segmentSizes: Uint32Array,
    destinations: Uint8Array,
    destinationIndexes: Uint32Array,
    count: number,
    result: Float64Array,
  ): number
  /** Messages, or a negative errno. `result` = truncated ones left out, total drops of the socket or 0. */
  receiveBatch(
    bytes: Uint8Array,
    slotBytes: number,
    offsets: Uint32Array,
    lengths: Uint32Array,
    segmentSizes: Uint32Array,
    sources: Uint8Array,
    maxMessages: number,
    result: Float64Array,
  ): number
  localAddress(bytes: Uint8Array, offset: number): void
  /** The errno that the socket holds, or 0; asking clears it. */
  takeError(): number
  gso(): boolean
}

export interface NativeUnixStream extends NativeDescriptor {
  /** Bytes read; 0: none now; `END_OF_STREAM`; or a negative errno. */
  read(bytes: Uint8Array, offset: number, length: number): number
  /** Bytes taken, 0 when the buffer is full, or a negative errno. `skip` bytes of the parts went before. */
  writev(parts: readonly Uint8Array[], skip: number): number
}

export interface NativeAead {
  sealOne: SealOrOpenOne
  openOne: SealOrOpenOne
  seal: SealOrOpenParts
  open: SealOrOpenParts
  sealBatch: SealOrOpenBatch
  openBatch: SealOrOpenBatch
  close(): void
}

export interface NativeDatagramSealer {
  /** Entries sealed: all, or 0 when the key is used up. */
  sealBatch(bytes: Uint8Array, offsets: Uint32Array, lengths: Uint32Array, count: number): number
  /** Bytes written; 0 when the key is used up. */
  sealSlices(
    source: Uint8Array,
    frameOffset: number,
    frameLength: number,
    headBytes: number,
    sliceBytes: number,
    prefix: Uint8Array,
    output: Uint8Array,
    outOffset: number,
  ): number
  counter(): number
  close(): void
}

export interface NativeDatagramOpener {
  /** Units. `result` = units, bytes consumed, authentic, replayed, not authentic, malformed. */
  open(
    input: Uint8Array,
    offset: number,
    length: number,
    segmentBytes: number,
    output: Uint8Array,
    units: Uint32Array,
    result: Float64Array,
  ): number
  close(): void
}

type SealOrOpenOne = (
  nonce: Uint8Array,
  aad: Uint8Array | null,
  input: Uint8Array,
  inOffset: number,
  inLength: number,
  output: Uint8Array,
  outOffset: number,
) => number

type SealOrOpenParts = (
  nonce: Uint8Array,
  aad: Uint8Array | null,
  parts: readonly Uint8Array[],
  output: Uint8Array,
  outOffset: number,
) => number

type SealOrOpenBatch = (
  salt: Uint8Array,
  counters: BigUint64Array,
  aadBytes: number,
  input: Uint8Array,
  inputOffsets: Uint32Array,
  inputLengths: Uint32Array,
  output: Uint8Array,
  outputOffsets: Uint32Array,
  count: number,
  opened: Uint8Array,
) => number

export const READABLE = 1
export const WRITABLE = 2
/** UV_EOF */
export const END_OF_STREAM = -4095

/** In the repository, and beside a bundle that an image carries. */
const PLACES = ['../build/Release/netio.node', './netio.node']

let loaded: NativeAddon | undefined

/**
 * The addon, loaded at first use: what needs none of it (the fake, types) works without.
 * @throws WakunetError `ERR_NATIVE_ADDON_MISSING` with the command that builds it
 */
export function native(): NativeAddon {
  loaded ??= load()
  return loaded
}

function load(): NativeAddon {
  const require = createRequire(import.meta.url)
  let cause: unknown
  for (const place of PLACES) {
    try {
      return require(fileURLToPath(new URL(place, import.meta.url))) as NativeAddon
    } catch (error) {
      cause ??= error
    }
  }
  throw new WakunetError(
    'ERR_NATIVE_ADDON_MISSING',
    "The native part of Wakunet is not built for this machine and Node. Run 'npm run build -w @wakunet/netio' " +
      '(it needs g++, make and python3; on Debian and Ubuntu: apt-get install g++ make python3).',
    { cause },
  )
}
