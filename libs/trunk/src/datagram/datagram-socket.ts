import { randomInt } from 'node:crypto'
import { type Startable, WakunetError } from '@wakunet/interface'
import {
  DATAGRAM_OVERHEAD_BYTES,
  type DatagramBatch,
  SOCKET_ADDRESS_BYTES,
  type SocketAddress,
  UdpBatchSocket,
  type UdpStats,
} from '@wakunet/netio'
import { readU32 } from '@wakunet/record'
import { Outbox } from './outbox.ts'

const AF_INET = 2
/** Tries at one port for both families where none was asked for. */
const PORT_TRIES = 8
/**
 * All peers share the socket: what one of them floods it with must not be what the others lose. Some 12,000 small packets, 0.1 s of
 * a flood, while this process is not scheduled.
 */
const RECEIVE_BUFFER_BYTES = 16 * 1024 * 1024
/** Sockets fail without IPv6, which many hosts have switched off. */
const NO_SUCH_FAMILY: readonly string[] = ['ERR_ADDRESS_INVALID', 'ERR_SYSTEM_CALL']

export interface DatagramSocketInit {
  /** 0: the kernel picks one, the same for both families. */
  readonly port: number
  /** Default `0.0.0.0`; null: no IPv4. */
  readonly host4?: string | null
  /** Default `::`; null: no IPv6. */
  readonly host6?: string | null
  /** Called once when it is of no more use. */
  readonly onError?: (error: Error) => void
}

/** Who takes the datagrams of one receive index. */
export interface DatagramReceiver {
  /**
   * Takes the datagrams of `segmentBytes` each, the last one shorter, at `offset`. All have come from `from`, and the first one has
   * the receiver's index.
   * @returns bytes that it is done with, at least one datagram; the rest may be others'
   */
  receive(bytes: Uint8Array, offset: number, length: number, segmentBytes: number, from: Uint8Array): number
}

/** Monotonic counters of a datagram socket. */
export interface DatagramSocketStats {
  /** Datagrams of an index that nobody has here. */
  unknownIndex: number
  /** Shorter than any datagram of this protocol. */
  tooShort: number
  /** Datagrams that a full socket has cost. */
  sendDropped: number
  readonly sockets: readonly Readonly<UdpStats>[]
}

/** One UDP port for all datagram channels of a node, over IPv4 and, where the host has it, IPv6. */
export class DatagramSocket implements Startable {
  readonly #init: DatagramSocketInit
  readonly #receivers = new Map<number, DatagramReceiver>()
  readonly #counters = { unknownIndex: 0, tooShort: 0 }
  #ipv4: Family | null = null
  #ipv6: Family | null = null
  #starting: Promise<void> | undefined

  constructor(init: DatagramSocketInit) {
    this.#init = init
  }

  get stats(): DatagramSocketStats {
    const families = [this.#ipv4, this.#ipv6].filter((family) => family !== null)
    return {
      ...this.#counters,
      sendDropped: families.reduce((sum, { outbox }) => sum + outbox.dropped, 0),
      sockets: families.map(({ socket }) => socket.stats),
    }
  }

  /** The port that both families are bound to. @throws WakunetError `ERR_NOT_STARTED` */
  get port(): number {
    return this.addresses[0]!.port
  }

  /** The bound addresses. @throws WakunetError `ERR_NOT_STARTED` */
  get addresses(): readonly SocketAddress[] {
    const families = [this.#ipv4, this.#ipv6].filter((family) => family !== null)
    if (families.length === 0) throw new WakunetError('ERR_NOT_STARTED', 'The datagram socket is not open.')
    return families.map(({ socket }) => socket.address)
  }

  start(signal?: AbortSignal): Promise<void> {
    this.#starting ??= this.#open(signal).catch((error: unknown) => {
      this.#starting = undefined
      throw error
    })
    return this.#starting
  }

  async stop(): Promise<void> {
    await this.#starting?.catch(() => {})
    this.#starting = undefined
    await this.#close()
  }

  /** A receive index that is not taken. */
  unusedIndex(): number {
    for (;;) {
      const index = randomInt(1, 0x1_0000_0000)
      if (!this.#receivers.has(index)) return index
    }
  }

  /** @throws RangeError where the index is taken: indexes come from `unusedIndex` */
  addReceiver(index: number, receiver: DatagramReceiver): void {
    if (this.#receivers.has(index)) throw new RangeError(`the receive index ${index} is taken`)
    this.#receivers.set(index, receiver)
  }

  removeReceiver(index: number): void {
    this.#receivers.delete(index)
  }

  /** Where datagrams to a packed address leave from; null where its family is not open here. */
  outboxOf(address: Uint8Array): Outbox | null {
    const isIpv4 = address[0] === AF_INET && address[1] === 0
    return (isIpv4 ? this.#ipv4 : this.#ipv6)?.outbox ?? null
  }

  async #open(signal?: AbortSignal): Promise<void> {
    const { host4 = '0.0.0.0', host6 = '::', port } = this.#init
    for (let attempt = 1; ; attempt++) {
      try {
        if (host4 !== null) this.#ipv4 = await this.#bind(host4, port, signal)
        const port6 = this.#ipv4?.socket.address.port ?? port
        if (host6 !== null) this.#ipv6 = await this.#bindIpv6(host6, port6, host4 === null, signal)
        return
      } catch (error) {
        await this.#close()
        // Somebody else has the port that the kernel picked in the other family.
        const again = port === 0 && attempt < PORT_TRIES && codeOf(error) === 'ERR_PORT_TAKEN'
        if (!again) throw error
      }
    }
  }

  async #bindIpv6(host: string, port: number, needed: boolean, signal?: AbortSignal): Promise<Family | null> {
    try {
      return await this.#bind(host, port, signal)
    } catch (error) {
      if (needed || !NO_SUCH_FAMILY.includes(codeOf(error))) throw error
      return null
    }
  }

  async #bind(host: string, port: number, signal?: AbortSignal): Promise<Family> {
    const receiveBufferBytes = RECEIVE_BUFFER_BYTES
    const socket = new UdpBatchSocket({ host, port, dontFragment: true, receiveBufferBytes })
    const outbox = new Outbox(socket)
    const sources: Uint8Array[] = []
    socket.onDatagrams = (batch) => this.#receive(batch, sources)
    socket.onWritable = () => outbox.resume()
    socket.onError = (error) => this.#fail(error)
    await socket.start(signal)
    return { socket, outbox }
  }

  /** @param sources views of the packed addresses in the batch, whose buffers are the socket's and always the same */
  #receive(batch: DatagramBatch, sources: Uint8Array[]): void {
    for (let i = 0; i < batch.count; i++) {
      sources[i] ??= batch.sources.subarray(i * SOCKET_ADDRESS_BYTES, (i + 1) * SOCKET_ADDRESS_BYTES)
      this.#receiveFrom(
        sources[i]!,
        batch.bytes,
        batch.offsets[i]!,
        batch.lengths[i]!,
        batch.segmentSizes[i]!,
      )
    }
  }

  #receiveFrom(from: Uint8Array, bytes: Uint8Array, offset: number, length: number, segment: number): void {
    const end = offset + length
    const size = segment > 0 ? segment : length
    for (let at = offset; at < end; ) {
      const left = end - at
      if (Math.min(left, size) <= DATAGRAM_OVERHEAD_BYTES) {
        this.#counters.tooShort++
        at += size
        continue
      }
      const receiver = this.#receivers.get(readU32(bytes, at))
      if (receiver === undefined) {
        this.#counters.unknownIndex++
        at += size
      } else at += Math.max(Math.min(size, left), receiver.receive(bytes, at, left, size, from))
    }
  }

  #fail(error: Error): void {
    void this.#close()
    this.#init.onError?.(error)
  }

  async #close(): Promise<void> {
    const families = [this.#ipv6, this.#ipv4]
    this.#ipv4 = null
    this.#ipv6 = null
    for (const family of families) {
      family?.outbox.close()
      await family?.socket.stop()
    }
  }
}

interface Family {
  readonly socket: UdpBatchSocket
  readonly outbox: Outbox
}

function codeOf(error: unknown): string {
  return error instanceof WakunetError ? error.code : ''
}
