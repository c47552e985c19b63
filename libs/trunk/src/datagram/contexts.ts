import { RECORD_FIELD, RECORD_HEADER_BYTES, readU16, readU32, writeU16, writeU32 } from '@wakunet/record'
import {
  LAST_CONTEXT_ID,
  LONG_HEADER_AT,
  LONG_PREFIX_BYTES,
  MAX_CONTEXT_IDS,
  MAX_RECEIVE_CONTEXTS,
  MAX_SEND_CONTEXTS,
  SHORT_PREFIX_BYTES,
} from './wire.ts'

const TWO_32 = 0x1_0000_0000
/** A record has fewer sequences than this: where fewer are left of the low half, it goes in long form. */
const MAX_RECORD_SEQUENCES = 0x1_0000

/** A record header that goes over the wire as two bytes once the peer knows it, beside the low half of the sequence. */
export class SendContext {
  readonly id: number
  readonly header: Uint8Array
  acknowledged = false
  lastUse = 0
  /** Prefixes to write over and over; the long one ends with the record header. */
  readonly short = new Uint8Array(SHORT_PREFIX_BYTES)
  readonly long = new Uint8Array(LONG_PREFIX_BYTES)
  constructor(id: number, header: Uint8Array) {
    this.id = id
    this.header = header.slice()
    writeU16(this.short, 1, id)
    writeU16(this.long, 1, id)
    this.long.set(header, LONG_HEADER_AT)
    // The number of frames is each datagram's own.
    this.long[LONG_HEADER_AT + RECORD_FIELD.frameCount] = 0
  }

  /** The prefix of a datagram whose first frame has this sequence; its first byte is the caller's. */
  prefix(sequence: number): Uint8Array {
    const low = sequence % TWO_32
    if (this.acknowledged && low < TWO_32 - MAX_RECORD_SEQUENCES) {
      writeU32(this.short, 3, low)
      return this.short
    }
    writeSequence(this.long, LONG_HEADER_AT, sequence)
    return this.long
  }
}

/** The contexts of what a node sends to one peer, the least recently used left out when there are too many. */
export class SendContexts {
  readonly #byKey = new Map<number, SendContext[]>()
  readonly #byId = new Map<number, SendContext>()
  #last: SendContext | null = null
  #nextId = 1
  #use = 0

  get size(): number {
    return this.#byId.size
  }

  /** The context of the record at the start of `record`. */
  of(record: Uint8Array): SendContext {
    const last = this.#last
    if (last !== null && isSameHeader(last.header, record)) return last
    const context = this.#find(record) ?? this.#create(record)
    context.lastUse = ++this.#use
    this.#last = context
    return context
  }

  #find(record: Uint8Array): SendContext | undefined {
    return this.#byKey.get(keyOf(record))?.find(({ header }) => isSameHeader(header, record))
  }

  #create(record: Uint8Array): SendContext {
    if (this.#byId.size >= MAX_SEND_CONTEXTS) this.#remove(this.#leastUsed())
    const id = this.#nextId
    this.#nextId = id === LAST_CONTEXT_ID ? 1 : id + 1
    const old = this.#byId.get(id)
    if (old !== undefined) this.#remove(old)
    const context = new SendContext(id, record.subarray(0, RECORD_HEADER_BYTES))
    this.#byId.set(id, context)
    const key = keyOf(record)
    this.#byKey.set(key, [...(this.#byKey.get(key) ?? []), context])
    return context
  }

  #leastUsed(): SendContext {
    let least: SendContext | null = null
    for (const context of this.#byId.values())
      if (least === null || context.lastUse < least.lastUse) least = context
    return least!
  }

  #remove(context: SendContext): void {
    if (this.#last === context) this.#last = null
    this.#byId.delete(context.id)
    const key = keyOf(context.header)
    const left = this.#byKey.get(key)?.filter((other) => other !== context) ?? []
    if (left.length === 0) this.#byKey.delete(key)
    else this.#byKey.set(key, left)
  }

  /** The peer says that it knows a context, or that it does not. */
  setKnown(id: number, known: boolean): void {
    const context = this.#byId.get(id)
    if (context !== undefined) context.acknowledged = known
  }
}

/** A record header that the peer has defined. */
export interface ReceiveContext {
  readonly header: Uint8Array
}

/** The contexts that a peer has defined, the oldest forgotten; and what it is to hear about them. */
export class ReceiveContexts {
  readonly #byId = new Map<number, ReceiveContext>()
  readonly #known: number[] = []
  readonly #unknown: number[] = []

  get size(): number {
    return this.#byId.size
  }

  /** Undefined where the peer is to be told that this one is unknown. */
  find(id: number): ReceiveContext | undefined {
    const context = this.#byId.get(id)
    if (context === undefined) note(this.#unknown, id)
    return context
  }

  /** Undefined where nobody has defined it. */
  get(id: number): ReceiveContext | undefined {
    return this.#byId.get(id)
  }

  /** A datagram came that defines a context by the record header at `at`. */
  define(id: number, bytes: Uint8Array, at: number): void {
    if (id === 0) return
    note(this.#known, id)
    const old = this.#byId.get(id)
    if (old !== undefined && isSameHeader(old.header, bytes, at)) return
    this.#byId.delete(id)
    this.#byId.set(id, { header: bytes.slice(at, at + RECORD_HEADER_BYTES) })
    if (this.#byId.size <= MAX_RECEIVE_CONTEXTS) return
    for (const oldest of this.#byId.keys()) {
      this.#byId.delete(oldest)
      return
    }
  }

  get hasNews(): boolean {
    return this.#known.length > 0 || this.#unknown.length > 0
  }

  /** Ids to tell the peer of, taken over by the caller. */
  takeNews(): { known: readonly number[]; unknown: readonly number[] } {
    return { known: this.#known.splice(0), unknown: this.#unknown.splice(0) }
  }
}

function note(ids: number[], id: number): void {
  if (ids.length < MAX_CONTEXT_IDS && !ids.includes(id)) ids.push(id)
}

/** Reads the ids of a message about contexts: two bytes each, from `at` to `end`. */
export function* contextIds(bytes: Uint8Array, at: number, end: number): Generator<number> {
  const most = Math.min(end, at + 2 * MAX_CONTEXT_IDS)
  for (let i = at; i + 2 <= most; i += 2) yield readU16(bytes, i)
}

export function writeSequence(bytes: Uint8Array, at: number, sequence: number): void {
  writeU32(bytes, at + RECORD_FIELD.sequence, Math.floor(sequence / TWO_32))
  writeU32(bytes, at + RECORD_FIELD.sequence + 4, sequence % TWO_32)
}

function keyOf(header: Uint8Array): number {
  const { egress, ingress, vlanId, flags, hopLimit } = RECORD_FIELD
  const ids = readU32(header, egress) ^ Math.imul(readU32(header, ingress), 31) ^ readU32(header, vlanId)
  return ids ^ (header[flags]! << 8) ^ header[hopLimit]!
}

/** Whether two headers are equal but for the number of frames and the low half of the sequence. */
function isSameHeader(header: Uint8Array, bytes: Uint8Array, at = 0): boolean {
  for (let i = RECORD_FIELD.bootNonce; i < RECORD_HEADER_BYTES; i++)
    if (header[i] !== bytes[at + i]) return false
  for (let i = RECORD_FIELD.epoch; i < RECORD_FIELD.sequence + 4; i++)
    if (header[i] !== bytes[at + i]) return false
  return header[0] === bytes[at] && header[1] === bytes[at + 1] && header[2] === bytes[at + 2]
}
