import { dnsLabels, readDnsName } from './dns-name.ts'
import { joinBytes } from './domain-name.ts'
import { isInside, readUint16, readUint32, writeUint16, writeUint32 } from './numbers.ts'

export const DNS_PORT = 53
export const DNS_HEADER_BYTES = 12
/** Largest message over UDP without EDNS (RFC 1035 §4.2.1). */
export const DNS_MIN_UDP_BYTES = 512

/** Flags of the header (RFC 1035 §4.1.1). The operation is in bits 14 to 11, the response code in 3 to 0. */
export const DNS_FLAG_RESPONSE = 0x8000
export const DNS_FLAG_AUTHORITATIVE = 0x0400
export const DNS_FLAG_TRUNCATED = 0x0200
export const DNS_FLAG_RECURSION_DESIRED = 0x0100
export const DNS_FLAG_CHECKING_DISABLED = 0x0010

export const DNS_OPCODE_QUERY = 0

export const DNS_NOERROR = 0
export const DNS_FORMERR = 1
export const DNS_SERVFAIL = 2
export const DNS_NXDOMAIN = 3
export const DNS_NOTIMP = 4
export const DNS_REFUSED = 5
/** Needs the extended code of EDNS (RFC 6891 §9). */
export const DNS_BADVERS = 16

export const DNS_CLASS_IN = 1
export const DNS_CLASS_ANY = 255

/** Types of records, and those that only questions have (RFC 1035 §3.2.2, RFC 3596, RFC 6891, RFC 1995). */
export const DNS_TYPE = {
  a: 1,
  ns: 2,
  soa: 6,
  ptr: 12,
  hinfo: 13,
  aaaa: 28,
  opt: 41,
  ixfr: 251,
  axfr: 252,
  any: 255,
} as const

/** Questions and records of one message together; a name server's question has one and two. */
export const MAX_DNS_RECORDS = 64

const QUESTION_BYTES = 4
const RECORD_BYTES = 10
/** Pointers have 14 bits (RFC 1035 §4.1.4). */
const MAX_POINTER = 0x3fff

export interface DnsHeader {
  readonly id: number
  /** All 16 bits, with operation and response code. */
  readonly flags: number
}

export interface DnsQuestion {
  /** As `readDnsName` reads it. */
  readonly name: string
  readonly type: number
  readonly class: number
}

export interface DnsRecord {
  readonly name: string
  readonly type: number
  readonly class: number
  readonly ttlSeconds: number
  /** As it is on the wire. Decoded: a view of the input, in which names can have pointers. */
  readonly data: Uint8Array
}

export interface DnsMessage extends DnsHeader {
  readonly questions: readonly DnsQuestion[]
  readonly answers: readonly DnsRecord[]
  readonly authorities: readonly DnsRecord[]
  readonly additionals: readonly DnsRecord[]
}

export function dnsOpcode(flags: number): number {
  return (flags >>> 11) & 0x0f
}

/** Id and flags, which an error is answered with where the rest cannot be read. Null where the header is cut. */
export function decodeDnsHeader(
  bytes: Uint8Array,
  offset = 0,
  length: number = bytes.length - offset,
): DnsHeader | null {
  if (!isInside(bytes, offset, length) || length < DNS_HEADER_BYTES) return null
  return { id: readUint16(bytes, offset), flags: readUint16(bytes, offset + 2) }
}

/**
 * Decodes the message that fills a UDP datagram.
 * @returns null where anything is cut, a name is none, bytes follow the last record, or there are more than `MAX_DNS_RECORDS`
 */
export function decodeDnsMessage(
  bytes: Uint8Array,
  offset = 0,
  length: number = bytes.length - offset,
): DnsMessage | null {
  const header = decodeDnsHeader(bytes, offset, length)
  if (header === null) return null
  const counts = [4, 6, 8, 10].map((at) => readUint16(bytes, offset + at))
  if (counts.reduce((sum, count) => sum + count, 0) > MAX_DNS_RECORDS) return null
  const reader = new MessageReader(bytes, offset, offset + length)
  const questions = reader.questions(counts[0]!)
  const answers = reader.records(counts[1]!)
  const authorities = reader.records(counts[2]!)
  const additionals = reader.records(counts[3]!)
  if (questions === null || answers === null || authorities === null || additionals === null) return null
  return reader.isAtEnd ? { ...header, questions, answers, authorities, additionals } : null
}

/** The message with compressed owner names; null where a name is none. The caller gives fields in their ranges. */
export function encodeDnsMessage(message: DnsMessage): Uint8Array | null {
  const header = new Uint8Array(DNS_HEADER_BYTES)
  const sections = [message.questions, message.answers, message.authorities, message.additionals]
  writeUint16(header, 0, message.id)
  writeUint16(header, 2, message.flags)
  for (const [i, { length }] of sections.entries()) writeUint16(header, 4 + 2 * i, length)
  const writer = new MessageWriter(header)
  for (const question of message.questions) if (!writer.question(question)) return null
  for (const section of sections.slice(1) as (readonly DnsRecord[])[]) {
    for (const record of section) if (!writer.record(record)) return null
  }
  return writer.bytes()
}

/** Labels and the final zero, without pointers, as record data has names; null where the text is no name. */
export function encodeDnsName(name: string): Uint8Array | null {
  const labels = dnsLabels(name)
  if (labels === null) return null
  return joinBytes([...labels.flatMap((label) => [Uint8Array.of(label.length), label]), new Uint8Array(1)])
}

class MessageReader {
  readonly #bytes: Uint8Array
  readonly #start: number
  readonly #stop: number
  #position: number

  constructor(bytes: Uint8Array, start: number, stop: number) {
    this.#bytes = bytes
    this.#start = start
    this.#stop = stop
    this.#position = start + DNS_HEADER_BYTES
  }

  get isAtEnd(): boolean {
    return this.#position === this.#stop
  }

  questions(count: number): DnsQuestion[] | null {
    const questions: DnsQuestion[] = []
    for (let i = 0; i < count; i++) {
      const name = this.#name(QUESTION_BYTES)
      if (name === null) return null
      questions.push({ name, type: this.#uint16(-4), class: this.#uint16(-2) })
    }
    return questions
  }

  records(count: number): DnsRecord[] | null {
    const records: DnsRecord[] = []
    for (let i = 0; i < count; i++) {
      const name = this.#name(RECORD_BYTES)
      if (name === null) return null
      const start = this.#position
      const end = start + this.#uint16(-2)
      if (end > this.#stop) return null
      records.push({
        name,
        type: this.#uint16(-10),
        class: this.#uint16(-8),
        ttlSeconds: readUint32(this.#bytes, start - 6),
        data: this.#bytes.subarray(start, end),
      })
      this.#position = end
    }
    return records
  }

  /** A name and `fixedBytes` behind it, which are passed. */
  #name(fixedBytes: number): string | null {
    const parsed = readDnsName(this.#bytes, this.#position, this.#start, this.#stop)
    if (parsed === null || parsed.end + fixedBytes > this.#stop) return null
    this.#position = parsed.end + fixedBytes
    return parsed.name
  }

  #uint16(at: number): number {
    return readUint16(this.#bytes, this.#position + at)
  }
}

class MessageWriter {
  readonly #parts: Uint8Array[]
  #length: number
  /** Where names are that a later one can end with; in the case they have, so that every name keeps its own. */
  readonly #names = new Map<string, number>()

  constructor(header: Uint8Array) {
    this.#parts = [header]
    this.#length = header.length
  }

  question(question: DnsQuestion): boolean {
    if (!this.#name(question.name)) return false
    const fixed = new Uint8Array(QUESTION_BYTES)
    writeUint16(fixed, 0, question.type)
    writeUint16(fixed, 2, question.class)
    this.#push(fixed)
    return true
  }

  record(record: DnsRecord): boolean {
    if (!this.#name(record.name)) return false
    const fixed = new Uint8Array(RECORD_BYTES)
    writeUint16(fixed, 0, record.type)
    writeUint16(fixed, 2, record.class)
    writeUint32(fixed, 4, record.ttlSeconds)
    writeUint16(fixed, 8, record.data.length)
    this.#push(fixed)
    this.#push(record.data)
    return true
  }

  bytes(): Uint8Array {
    return joinBytes(this.#parts)
  }

  #name(name: string): boolean {
    const labels = dnsLabels(name)
    if (labels === null) return false
    for (const [i, label] of labels.entries()) {
      const key = labels.slice(i).join('.')
      const known = this.#names.get(key)
      if (known !== undefined) {
        this.#push(Uint8Array.of(0xc0 | (known >>> 8), known & 0xff))
        return true
      }
      if (this.#length <= MAX_POINTER) this.#names.set(key, this.#length)
      this.#push(Uint8Array.of(label.length))
      this.#push(label)
    }
    this.#push(new Uint8Array(1))
    return true
  }

  #push(part: Uint8Array): void {
    this.#parts.push(part)
    this.#length += part.length
  }
}
