import {
  DATAGRAM_OVERHEAD_BYTES,
  DatagramOpener,
  DatagramSealer,
  UNIT_HEADROOM_BYTES,
  UNIT_WORD,
  UNIT_WORDS,
} from '@wakunet/netio'
import { readU16 } from '@wakunet/record'
import { contextIds } from './contexts.ts'
import type { DatagramSocket } from './datagram-socket.ts'
import { Fragments } from './fragments.ts'
import type { DatagramKeys } from './key-exchange.ts'
import { Destination, type Outbox } from './outbox.ts'
import { RecordBuilder } from './record-builder.ts'
import { type CutTarget, RecordCutter } from './record-cutter.ts'
import {
  CONTEXTS_UNKNOWN_BIT,
  KIND,
  KIND_MASK,
  MAX_DATAGRAM_BYTES,
  MESSAGE_HEAD_BYTES,
  MIN_DATAGRAM_BYTES,
} from './wire.ts'

export interface DatagramChannelInit {
  readonly socket: Pick<DatagramSocket, 'addReceiver' | 'removeReceiver' | 'outboxOf'>
  /** What both hellos allow. */
  readonly maxRecordBytes: number
  /**
   * Its bytes are valid, and writable, only during the call; so are the `freeBytes` before them in the same buffer, where an
   * envelope can be put.
   */
  readonly onRecord: (record: Uint8Array, freeBytes: number) => void
  /** What the peer has sent with `sendMessage`; valid during the call. `from` is packed, `datagramBytes` the size of its datagram. */
  readonly onMessage: (payload: Uint8Array, from: Uint8Array, datagramBytes: number) => void
  /** Something authentic and new came from `from`, packed, valid during the call: called once for what was received at once. */
  readonly onAuthenticated?: (from: Uint8Array) => void
}

/** Monotonic counters of a channel. */
export interface DatagramChannelStats {
  recordsSent: number
  datagramsSent: number
  /** Of records, without headers of the datagrams. */
  bytesSent: number
  /** Records that were given to `send` and did not leave: no path, no key, malformed, too large. */
  recordsDropped: number
  /** Datagrams that a full socket has cost. */
  datagramsDropped: number
  recordsReceived: number
  datagramsReceived: number
  bytesReceived: number
  messagesReceived: number
  /** Datagrams that came before, or are too old to know. */
  replayed: number
  notAuthentic: number
  /** Authentic, and without sense. */
  malformed: number
  contextUnknown: number
  /** Fragments whose frame was never whole. */
  fragmentsLost: number
  /** Datagrams sealed with the key in use: what a new one is due by. */
  sendCounter: number
}

interface Generation {
  readonly number: number
  readonly index: number
  readonly sealer: DatagramSealer
  readonly opener: DatagramOpener
}

/** Units of one receive: one a datagram at the most. */
const MAX_UNITS = 64
/** The largest receive, with room between its units. */
const OUTPUT_BYTES = 65_536 + (MAX_UNITS + 2) * (UNIT_HEADROOM_BYTES + 16)

/** Shared by all channels of a thread: what is in it is done with before the next receive. */
const output = new Uint8Array(OUTPUT_BYTES)
const units = new Uint32Array(MAX_UNITS * UNIT_WORDS)
const outcome = { units: 0, consumed: 0, authentic: 0, replayed: 0, notAuthentic: 0, malformed: 0 }

/**
 * The datagram path to one peer, without its life cycle: records and messages over a socket, sealed with the keys, and to the
 * place, that the owner sets. Sending never waits and never throws.
 */
export class DatagramChannel {
  readonly #init: DatagramChannelInit
  readonly #cutter = new RecordCutter()
  readonly #builder: RecordBuilder
  readonly #fragments = new Fragments()
  readonly #generations = new Map<number, Generation>()
  readonly #counters = {
    recordsSent: 0,
    bytesSent: 0,
    recordsDropped: 0,
    datagramsReceived: 0,
    bytesReceived: 0,
    messagesReceived: 0,
    replayed: 0,
    notAuthentic: 0,
    malformed: 0,
    contextUnknown: 0,
  }
  /** Sealed with keys that were dropped since, or of paths left since. */
  #pastSealed = 0
  #pastDropped = 0
  #sending: Generation | null = null
  #path: { to: Destination; datagramBytes: number } | null = null
  #open = true

  constructor(init: DatagramChannelInit) {
    this.#init = init
    this.#builder = new RecordBuilder(init.maxRecordBytes, init.onRecord)
  }

  get stats(): Readonly<DatagramChannelStats> {
    let sealed = this.#pastSealed
    for (const { sealer } of this.#generations.values()) sealed += sealer.counter
    return {
      ...this.#counters,
      recordsReceived: this.#builder.records,
      datagramsSent: sealed,
      datagramsDropped: this.#pastDropped + (this.#path?.to.dropped ?? 0),
      fragmentsLost: this.#fragments.lost,
      sendCounter: this.#sending?.sealer.counter ?? 0,
    }
  }

  /**
   * Receives with these keys from now on; they may be wiped by the caller.
   * @param generation a number of the owner's
   * @throws RangeError where the generation or the receive index is taken, or a key has another length
   */
  addKeys(generation: number, keys: DatagramKeys): void {
    if (!this.#open) return
    if (this.#generations.has(generation)) throw new RangeError(`the key generation ${generation} is taken`)
    const { algorithm, sendKey, sendSalt, receiveKey, receiveSalt, sendIndex, receiveIndex } = keys
    const sealer = new DatagramSealer({ algorithm, key: sendKey, salt: sendSalt, index: sendIndex })
    const opener = new DatagramOpener({ algorithm, key: receiveKey, salt: receiveSalt, index: receiveIndex })
    const added = { number: generation, index: receiveIndex, sealer, opener }
    this.#init.socket.addReceiver(receiveIndex, {
      receive: (bytes, offset, length, segment, from) =>
        this.#receive(added, bytes, offset, length, segment, from),
    })
    this.#generations.set(generation, added)
  }

  /** Sends with that generation's keys from now on; it has been added. */
  useKeys(generation: number): void {
    const next = this.#generations.get(generation)
    if (next === undefined) throw new RangeError(`there are no keys of generation ${generation}`)
    this.#sending = next
  }

  /** Wipes that generation's keys. Idempotent. */
  dropKeys(generation: number): void {
    const dropped = this.#generations.get(generation)
    if (dropped === undefined) return
    this.#generations.delete(generation)
    this.#init.socket.removeReceiver(dropped.index)
    this.#pastSealed += dropped.sealer.counter
    dropped.sealer.close()
    dropped.opener.close()
    if (this.#sending === dropped) this.#sending = null
  }

  /** Where records go from now on. @param datagramBytes largest UDP payload, 1,200 to 65,507 */
  setPath(to: Uint8Array, datagramBytes: number): void {
    if (!(datagramBytes >= MIN_DATAGRAM_BYTES && datagramBytes <= MAX_DATAGRAM_BYTES))
      throw new RangeError(`a datagram of ${datagramBytes} bytes is not between 1,200 and 65,507`)
    this.#pastDropped += this.#path?.to.dropped ?? 0
    this.#path = { to: new Destination(to), datagramBytes }
  }

  /**
   * Sends one record, which may be reused as soon as the call returns; it leaves at the end of the turn at the latest.
   * @returns false where it was dropped
   */
  send(record: Uint8Array): boolean {
    const target = record.length <= this.#init.maxRecordBytes ? this.#target() : null
    if (target === null || this.#cutter.cut(record, target) !== 'ok') {
      this.#counters.recordsDropped++
      return false
    }
    this.#counters.recordsSent++
    this.#counters.bytesSent += record.length
    return true
  }

  /**
   * Sends a message of the owner's in a datagram of its own.
   * @param to packed; where records go if left out
   * @param padTo size of the datagram, which may be larger than the path's
   * @returns false where nothing can be sent
   */
  sendMessage(payload: Uint8Array, to?: Uint8Array, padTo = 0): boolean {
    const destination = to === undefined ? this.#path?.to : new Destination(to)
    const target = destination === undefined ? null : this.#targetTo(destination, MAX_DATAGRAM_BYTES)
    return target !== null && this.#cutter.message(payload, target, padTo)
  }

  /** Wipes all keys and takes nothing more. Idempotent. */
  close(): void {
    this.#open = false
    for (const generation of [...this.#generations.keys()]) this.dropKeys(generation)
    this.#fragments.clear()
  }

  #target(): CutTarget | null {
    const path = this.#path
    return path === null ? null : this.#targetTo(path.to, path.datagramBytes)
  }

  #targetTo(to: Destination, datagramBytes: number): CutTarget | null {
    const sending = this.#sending
    const outbox: Outbox | null = this.#init.socket.outboxOf(to.address)
    if (sending === null || outbox === null) return null
    return { sealer: sending.sealer, outbox, to, datagramBytes }
  }

  #receive(
    generation: Generation,
    bytes: Uint8Array,
    offset: number,
    length: number,
    segmentBytes: number,
    from: Uint8Array,
  ): number {
    generation.opener.open(bytes, offset, length, segmentBytes, output, units, outcome)
    const { consumed, authentic } = outcome
    const counters = this.#counters
    counters.datagramsReceived += authentic
    counters.bytesReceived += consumed
    counters.replayed += outcome.replayed
    counters.notAuthentic += outcome.notAuthentic
    counters.malformed += outcome.malformed
    if (authentic === 0) return consumed
    this.#init.onAuthenticated?.(from)
    const count = outcome.units
    for (let i = 0; i < count && this.#open; i++) this.#takeUnit(generation, i * UNIT_WORDS, from)
    if (this.#builder.contexts.hasNews) this.#tellNews()
    return consumed
  }

  #takeUnit(generation: Generation, unit: number, from: Uint8Array): void {
    const at = units[unit + UNIT_WORD.at]!
    const length = units[unit + UNIT_WORD.length]!
    switch (output[at]! & KIND_MASK) {
      case KIND.message:
        this.#takeMessage(at, length, from)
        return
      case KIND.contexts:
        for (const id of contextIds(output, at + 1, at + length))
          this.#cutter.contexts.setKnown(id, (output[at]! & CONTEXTS_UNKNOWN_BIT) === 0)
        return
      case KIND.fragment:
        this.#takeFragment(generation, unit, at, length)
        return
      case KIND.frame:
      case KIND.frames:
      case KIND.slice:
      case KIND.sizedSlice:
        this.#build(output, at, length, units[unit + UNIT_WORD.slices]!, units[unit + UNIT_WORD.sliceBytes]!)
        return
      default:
        this.#counters.malformed++
    }
  }

  #build(bytes: Uint8Array, at: number, length: number, slices: number, sliceBytes: number): void {
    const verdict = this.#builder.take(bytes, at, length, slices, sliceBytes)
    if (verdict === 'malformed') this.#counters.malformed++
    else if (verdict === 'context-unknown') this.#counters.contextUnknown++
  }

  #takeMessage(at: number, length: number, from: Uint8Array): void {
    const end = at + MESSAGE_HEAD_BYTES + (length < MESSAGE_HEAD_BYTES ? length : readU16(output, at + 1))
    if (end > at + length) {
      this.#counters.malformed++
      return
    }
    this.#counters.messagesReceived++
    this.#init.onMessage(
      output.subarray(at + MESSAGE_HEAD_BYTES, end),
      from,
      length + DATAGRAM_OVERHEAD_BYTES,
    )
  }

  #takeFragment(generation: Generation, unit: number, at: number, length: number): void {
    const counter = units[unit + UNIT_WORD.counterHigh]! * 0x1_0000_0000 + units[unit + UNIT_WORD.counterLow]!
    if (length < 3) {
      this.#counters.malformed++
      return
    }
    const before = this.#fragments.malformed
    const whole = this.#fragments.take(generation.number, counter, output, at, length)
    this.#counters.malformed += this.#fragments.malformed - before
    if (whole === null) return
    const kind = whole[UNIT_HEADROOM_BYTES]! & KIND_MASK
    if (kind !== KIND.frame) this.#counters.malformed++
    else this.#build(whole, UNIT_HEADROOM_BYTES, whole.length - UNIT_HEADROOM_BYTES, 1, 0)
  }

  /** Acknowledges the contexts that were defined, and asks for those that are unknown. */
  #tellNews(): void {
    const { known, unknown } = this.#builder.contexts.takeNews()
    const target = this.#target()
    if (target === null) return
    if (known.length > 0) this.#cutter.contextIds(known, 0, target)
    if (unknown.length > 0) this.#cutter.contextIds(unknown, CONTEXTS_UNKNOWN_BIT, target)
  }
}
