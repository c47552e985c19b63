import { type Startable, WakunetError } from '@wakunet/interface'
import { type NativeUdp, native, READABLE, WRITABLE } from './native.ts'
import {
  packSocketAddress,
  SOCKET_ADDRESS_BYTES,
  type SocketAddress,
  unpackSocketAddress,
} from './socket-address.ts'
import { systemCallError, systemCode } from './system-error.ts'

/** Most segments of one send (Linux `UDP_MAX_SEGMENTS` before 6.8). */
export const MAX_UDP_SEGMENTS = 64
/** Most bytes of one send: the largest UDP payload over IPv4. */
export const MAX_UDP_SEND_BYTES = 65_507
/** The largest that GRO coalesces; a slot of this size is never too small. */
const SLOT_BYTES = 65_536
/** Messages of one wake-up; each may be 64 coalesced datagrams. */
const MESSAGES_PER_TURN = 16
const DEFAULT_BUFFER_BYTES = 4 * 1024 * 1024
/** Errors in a row without anything received after which the socket is given up. */
const MAX_ERRORS_IN_A_ROW = 64

export interface UdpBatchSocketInit {
  /** An address of this host, `0.0.0.0` or `::`. An IPv6 socket carries IPv6 only. */
  readonly host: string
  /** 0: the kernel picks one; `address` tells which. */
  readonly port: number
  /** Interface index for an IPv6 link-local host. */
  readonly scope?: number
  /** Segmentation and coalescing by the kernel where it can. Default true. */
  readonly offload?: boolean
  /** Sets the don't-fragment bit and ignores the kernel's path MTU: larger datagrams are refused or lost. */
  readonly dontFragment?: boolean
  readonly receiveBufferBytes?: number
  readonly sendBufferBytes?: number
}

/**
 * What is sent in one call. Entry i is `lengths[i]` bytes at `offsets[i]`. `segmentSizes[i]` above 0 cuts it
 * into datagrams of that size, the last one shorter (at most 64 segments, 65,507 bytes); 0 sends one datagram.
 * It goes to entry `destinationIndexes[i]` of the packed addresses in `destinations`.
 */
export interface DatagramSends {
  readonly bytes: Uint8Array
  readonly offsets: Uint32Array
  readonly lengths: Uint32Array
  readonly segmentSizes: Uint32Array
  readonly destinations: Uint8Array
  readonly destinationIndexes: Uint32Array
  readonly count: number
}

/**
 * What one wake-up received, in buffers that are reused: valid only during the call. Entry i is
 * `lengths[i]` bytes at `offsets[i]`: datagrams of `segmentSizes[i]` bytes one after another, the last one
 * shorter. Its source is entry i of the packed addresses in `sources`.
 */
export interface DatagramBatch {
  readonly bytes: Uint8Array
  readonly offsets: Uint32Array
  readonly lengths: Uint32Array
  readonly segmentSizes: Uint32Array
  readonly sources: Uint8Array
  count: number
}

/** Monotonic counters. */
export interface UdpStats {
  readonly messagesReceived: number
  readonly bytesReceived: number
  /** Dropped by the kernel because the socket's queue was full, as it said last. */
  readonly receiveDropped: number
  readonly receiveTruncated: number
  readonly entriesSent: number
  readonly bytesSent: number
  /** Refused by the kernel, for example larger than the MTU or without a route. */
  readonly sendRefused: number
  /** Calls of `send` that found the socket full. */
  readonly sendBlocked: number
}

/** A UDP socket that moves many datagrams a call. */
export class UdpBatchSocket implements Startable {
  onDatagrams: ((batch: DatagramBatch) => void) | null = null
  /** The socket takes datagrams again after `send` took fewer than it was given. */
  onWritable: (() => void) | null = null
  /** Called once when the socket is of no more use; it has stopped by then. */
  onError: ((error: Error) => void) | null = null
  readonly stats = {
    messagesReceived: 0,
    bytesReceived: 0,
    receiveDropped: 0,
    receiveTruncated: 0,
    entriesSent: 0,
    bytesSent: 0,
    sendRefused: 0,
    sendBlocked: 0,
  } satisfies UdpStats
  readonly #init: UdpBatchSocketInit
  readonly #result = new Float64Array(3)
  readonly #batch: DatagramBatch = {
    bytes: new Uint8Array(MESSAGES_PER_TURN * SLOT_BYTES),
    offsets: new Uint32Array(MESSAGES_PER_TURN),
    lengths: new Uint32Array(MESSAGES_PER_TURN),
    segmentSizes: new Uint32Array(MESSAGES_PER_TURN),
    sources: new Uint8Array(MESSAGES_PER_TURN * SOCKET_ADDRESS_BYTES),
    count: 0,
  }
  #native: NativeUdp | undefined
  #wantsWritable = false
  #errorsInARow = 0

  constructor(init: UdpBatchSocketInit) {
    this.#init = init
  }

  /** The bound address. @throws WakunetError `ERR_NOT_STARTED` */
  get address(): SocketAddress {
    const packed = new Uint8Array(SOCKET_ADDRESS_BYTES)
    this.#open().localAddress(packed, 0)
    return unpackSocketAddress(packed, 0)
  }

  /** Whether the kernel cuts segments; becomes false when the way out of this host cannot. */
  get segmentsInKernel(): boolean {
    return this.#open().gso()
  }

  /**
   * @throws WakunetError `ERR_PORT_TAKEN`, `ERR_ADDRESS_INVALID` (also: not an address of this host),
   *   `ERR_MISSING_PRIVILEGE` (a port below 1,024), `ERR_SYSTEM_CALL`
   */
  async start(signal?: AbortSignal): Promise<void> {
    signal?.throwIfAborted()
    if (this.#native) return
    const socket = bindSocket(this.#init)
    this.#native = socket
    this.#errorsInARow = 0
    socket.watch((status, events) => this.#onReady(socket, status, events))
    this.#updateInterest(socket)
  }

  async stop(): Promise<void> {
    this.#native?.close()
    this.#native = undefined
    this.#wantsWritable = false
  }

  /**
   * Sends until the socket is full. Refused entries are counted and passed over.
   * @returns how many entries are done with; when fewer than `count`, `onWritable` tells when to go on
   * @throws RangeError for an entry that is out of range, TypeError: programming errors
   * @throws WakunetError `ERR_NOT_STARTED`
   */
  send(sends: DatagramSends): number {
    const socket = this.#open()
    const done = socket.sendBatch(
      sends.bytes,
      sends.offsets,
      sends.lengths,
      sends.segmentSizes,
      sends.destinations,
      sends.destinationIndexes,
      sends.count,
      this.#result,
    )
    const refused = this.#result[1]!
    this.stats.entriesSent += done - refused
    this.stats.bytesSent += this.#result[0]!
    this.stats.sendRefused += refused
    if (done < sends.count) {
      this.stats.sendBlocked++
      this.#wantsWritable = true
      this.#updateInterest(socket)
    }
    return done
  }

  #onReady(socket: NativeUdp, status: number, events: number): void {
    if (status < 0) {
      this.#onSocketError(socket)
      return
    }
    if (events & READABLE) this.#receive(socket)
    if (events & WRITABLE && this.#wantsWritable && this.#native === socket) {
      this.#wantsWritable = false
      this.#updateInterest(socket)
      this.onWritable?.()
    }
  }

  /** One batch a turn: level-triggered, what is left calls again. */
  #receive(socket: NativeUdp): void {
    const batch = this.#batch
    const { bytes, offsets, lengths, segmentSizes, sources } = batch
    const count = socket.receiveBatch(
      bytes,
      SLOT_BYTES,
      offsets,
      lengths,
      segmentSizes,
      sources,
      MESSAGES_PER_TURN,
      this.#result,
    )
    if (count < 0) {
      this.#countError(socket, -count)
      return
    }
    this.#countReceived(count)
    if (count === 0) return
    this.#errorsInARow = 0
    batch.count = count
    this.onDatagrams?.(batch)
  }

  #countReceived(count: number): void {
    const dropped = this.#result[1]!
    this.stats.messagesReceived += count
    this.stats.receiveTruncated += this.#result[0]!
    if (dropped > 0) this.stats.receiveDropped = dropped
    for (let i = 0; i < count; i++) this.stats.bytesReceived += this.#batch.lengths[i]!
  }

  /** libuv stopped watching. An error such as an ICMP answer is taken off the socket and passes. */
  #onSocketError(socket: NativeUdp): void {
    this.#countError(socket, socket.takeError())
    if (this.#native === socket) this.#updateInterest(socket)
  }

  #countError(socket: NativeUdp, errno: number): void {
    if (++this.#errorsInARow < MAX_ERRORS_IN_A_ROW || this.#native !== socket) return
    void this.stop()
    this.onError?.(systemCallError(`The UDP socket ${this.#init.host}:${this.#init.port} fails`, errno || 5))
  }

  #updateInterest(socket: NativeUdp): void {
    socket.interest(READABLE | (this.#wantsWritable ? WRITABLE : 0))
  }

  #open(): NativeUdp {
    if (!this.#native) throw new WakunetError('ERR_NOT_STARTED', 'The UDP socket is not open.')
    return this.#native
  }
}

function bindSocket(init: UdpBatchSocketInit): NativeUdp {
  const { Udp } = native()
  const address = new Uint8Array(SOCKET_ADDRESS_BYTES)
  packSocketAddress(address, 0, init.host, init.port, init.scope)
  try {
    return new Udp(
      address,
      init.offload ?? true,
      init.dontFragment ?? false,
      init.receiveBufferBytes ?? DEFAULT_BUFFER_BYTES,
      init.sendBufferBytes ?? DEFAULT_BUFFER_BYTES,
    )
  } catch (cause) {
    throw bindError(init, cause)
  }
}

function bindError({ host, port }: UdpBatchSocketInit, cause: unknown): unknown {
  const code = systemCode(cause)
  const where = `UDP ${host.includes(':') ? `[${host}]` : host}:${port}`
  switch (code) {
    case 'EADDRINUSE':
      return new WakunetError('ERR_PORT_TAKEN', `${where} is in use by another process.`, { cause })
    case 'EADDRNOTAVAIL':
      return new WakunetError('ERR_ADDRESS_INVALID', `${host} is not an address of this host.`, { cause })
    case 'EACCES':
      return new WakunetError(
        'ERR_MISSING_PRIVILEGE',
        `${where} needs the capability CAP_NET_BIND_SERVICE; choose a port from 1024 on.`,
        { cause },
      )
    case 'ERR_OUT_OF_RANGE':
    case 'ERR_INVALID_ARG_TYPE':
      return cause
    default:
      return new WakunetError('ERR_SYSTEM_CALL', `${where} cannot be opened: ${code}.`, { cause })
  }
}
