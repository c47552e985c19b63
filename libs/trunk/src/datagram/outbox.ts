import {
  type DatagramSends,
  MAX_UDP_SEGMENTS,
  MAX_UDP_SEND_BYTES,
  SOCKET_ADDRESS_BYTES,
} from '@wakunet/netio'

/** Room for the slices of the largest super-frame, and as much again. */
const BATCH_BYTES = 256 * 1024
const BATCH_SENDS = 64
/** A batch leaves when it has so much: what the cache still holds. */
const FULL_BYTES = 64 * 1024
/** Batches that wait for a full socket, 2 MiB. */
const MAX_WAITING = 8
const MAX_SPARE = 4

/** Where datagrams go; who sends them counts what is lost on the way out. */
export class Destination {
  /** Packed. */
  readonly address: Uint8Array
  /** Datagrams that a full socket has cost. */
  dropped = 0
  /** In `batch`. */
  slot = 0
  batch: unknown = null

  constructor(address: Uint8Array) {
    this.address = address.slice()
  }
}

/** Datagrams on their way to the socket: equal ones that follow each other are one send. */
class Batch {
  readonly bytes = new Uint8Array(BATCH_BYTES)
  readonly sends: DatagramSends & { count: number }
  readonly to: Destination[] = []
  readonly offsets = new Uint32Array(BATCH_SENDS)
  readonly lengths = new Uint32Array(BATCH_SENDS)
  readonly segmentSizes = new Uint32Array(BATCH_SENDS)
  readonly destinations = new Uint8Array(BATCH_SENDS * SOCKET_ADDRESS_BYTES)
  readonly destinationIndexes = new Uint32Array(BATCH_SENDS)
  end = 0
  /** Datagrams of the last send; `MAX_UDP_SEGMENTS` where it takes no more. */
  #segments = 0

  constructor() {
    const { bytes, offsets, lengths, segmentSizes, destinations, destinationIndexes } = this
    this.sends = { bytes, offsets, lengths, segmentSizes, destinations, destinationIndexes, count: 0 }
  }

  get isEmpty(): boolean {
    return this.sends.count === 0
  }

  get hasRoom(): boolean {
    return this.sends.count < BATCH_SENDS - 4
  }

  clear(): void {
    for (const destination of this.to) if (destination.batch === this) destination.batch = null
    this.to.length = 0
    this.sends.count = 0
    this.end = 0
    this.#segments = 0
  }

  /** The `bytes` at the end are datagrams of `size` each, the last one shorter. */
  add(to: Destination, bytes: number, size: number, joinable: boolean): void {
    if (to.batch !== this) {
      to.batch = this
      to.slot = this.to.push(to) - 1
      this.destinations.set(to.address, to.slot * SOCKET_ADDRESS_BYTES)
    }
    for (let left = bytes; left > 0; ) {
      const taken = joinable ? this.#extend(to, left, size) : 0
      left -= taken > 0 ? taken : this.#open(to, left, size, joinable)
    }
  }

  /** Lengthens the last send where it goes to the same place in datagrams of this size. @returns bytes taken */
  #extend(to: Destination, bytes: number, size: number): number {
    const last = this.sends.count - 1
    if (last < 0 || this.destinationIndexes[last] !== to.slot || this.#segments >= MAX_UDP_SEGMENTS) return 0
    const segment = this.segmentSizes[last]!
    const room = Math.min(
      MAX_UDP_SEGMENTS - this.#segments,
      Math.floor((MAX_UDP_SEND_BYTES - this.lengths[last]!) / segment),
    )
    if (size !== segment) {
      // A shorter one may be the last.
      if (Math.min(size, bytes) > segment || room === 0) return 0
      const taken = Math.min(size, bytes)
      this.#take(last, taken)
      this.#segments = MAX_UDP_SEGMENTS
      return taken
    }
    // What was cut from one frame stays together: the receiver joins what it gets at once.
    if (bytes > room * segment) return 0
    this.#take(last, bytes)
    this.#segments = bytes % segment === 0 ? this.#segments + bytes / segment : MAX_UDP_SEGMENTS
    return bytes
  }

  #open(to: Destination, bytes: number, size: number, joinable: boolean): number {
    const index = this.sends.count++
    const taken = Math.min(
      bytes,
      size * Math.min(MAX_UDP_SEGMENTS, Math.max(1, Math.floor(MAX_UDP_SEND_BYTES / size))),
    )
    this.offsets[index] = this.end
    this.lengths[index] = 0
    this.segmentSizes[index] = size
    this.destinationIndexes[index] = to.slot
    this.#take(index, taken)
    this.#segments = joinable && taken % size === 0 ? taken / size : MAX_UDP_SEGMENTS
    return taken
  }

  #take(index: number, bytes: number): void {
    this.lengths[index]! += bytes
    this.end += bytes
  }
}

/** What an outbox needs of a socket. */
export interface OutboxSocket {
  send(sends: DatagramSends): number
}

/**
 * Gathers the datagrams of a turn and sends them in as few calls as can be: at its end, or when there is enough for one. While
 * the socket is full they wait, the oldest are dropped when there are too many.
 */
export class Outbox {
  /** Datagrams of senders that are gone count here alone. */
  dropped = 0
  readonly #socket: OutboxSocket
  readonly #waiting: { batch: Batch; done: number }[] = []
  readonly #spare: Batch[] = []
  #current = new Batch()
  #scheduled = false
  #closed = false

  constructor(socket: OutboxSocket) {
    this.#socket = socket
  }

  /** Where the next datagrams are written to; changes with `reserve`. */
  get bytes(): Uint8Array {
    return this.#current.bytes
  }

  get end(): number {
    return this.#current.end
  }

  get waitingBytes(): number {
    return this.#waiting.reduce((sum, { batch }) => sum + batch.end, 0)
  }

  /** Makes room for so many bytes, at most 128 KiB, of datagrams to one destination. */
  reserve(bytes: number): void {
    const current = this.#current
    if (current.end + bytes > BATCH_BYTES || !current.hasRoom) this.flush()
  }

  /** The `bytes` written at the end are datagrams of `size` each, the last one shorter; not joinable: one that goes alone. */
  commit(to: Destination, bytes: number, size: number, joinable = true): void {
    if (this.#closed) return
    this.#current.add(to, bytes, size, joinable)
    if (this.#current.end >= FULL_BYTES) this.flush()
    else if (!this.#scheduled) {
      this.#scheduled = true
      queueMicrotask(this.#flushTurn)
    }
  }

  readonly #flushTurn = (): void => {
    this.#scheduled = false
    this.flush()
  }

  /** Sends what there is. */
  flush(): void {
    const batch = this.#current
    if (batch.isEmpty || this.#closed) return
    if (this.#waiting.length > 0) {
      this.#wait(batch, 0)
      return
    }
    const done = this.#socket.send(batch.sends)
    if (done < batch.sends.count) this.#wait(batch, done)
    else batch.clear()
  }

  #wait(batch: Batch, done: number): void {
    this.#waiting.push({ batch, done })
    this.#current = this.#spare.pop() ?? new Batch()
    if (this.#waiting.length > MAX_WAITING) this.#drop(this.#waiting.shift()!)
  }

  #drop({ batch, done }: { batch: Batch; done: number }): void {
    const { count, lengths, segmentSizes, destinationIndexes } = batch.sends
    for (let i = done; i < count; i++) {
      const datagrams = Math.ceil(lengths[i]! / segmentSizes[i]!)
      batch.to[destinationIndexes[i]!]!.dropped += datagrams
      this.dropped += datagrams
    }
    this.#recycle(batch)
  }

  #recycle(batch: Batch): void {
    batch.clear()
    if (this.#spare.length < MAX_SPARE) this.#spare.push(batch)
  }

  /** The socket takes datagrams again. */
  resume(): void {
    for (let next = this.#waiting[0]; next !== undefined && !this.#closed; next = this.#waiting[0]) {
      next.done += this.#socket.send(sendsFrom(next.batch.sends, next.done))
      if (next.done < next.batch.sends.count) return
      this.#waiting.shift()
      this.#recycle(next.batch)
    }
  }

  /** Forgets what waits and takes nothing more. */
  close(): void {
    this.#closed = true
    this.#waiting.length = 0
    this.#spare.length = 0
  }
}

function sendsFrom(sends: DatagramSends, from: number): DatagramSends {
  if (from === 0) return sends
  return {
    ...sends,
    offsets: sends.offsets.subarray(from),
    lengths: sends.lengths.subarray(from),
    segmentSizes: sends.segmentSizes.subarray(from),
    destinationIndexes: sends.destinationIndexes.subarray(from),
    count: sends.count - from,
  }
}
