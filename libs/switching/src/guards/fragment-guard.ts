import {
  extensionHeaderBytes,
  FIRST_FRAGMENT,
  IPV6_HEADER_BYTES,
  isExtensionHeader,
  NOT_FRAGMENTED,
  PROTOCOL_FRAGMENT,
  PROTOCOL_TCP,
} from '@wakunet/ethernet'
import { FragmentTable } from './fragment-table.ts'
import { hasUpperHeader } from './frame-guard.ts'
import type { GuardVerdict } from './guard-drops.ts'
import type { Guard, GuardFrame } from './guard-frame.ts'

/** Most bytes of a datagram (RFC 791 §3.1, RFC 8200 §4.5). */
const MAX_DATAGRAM_BYTES = 65_535
/** Where a second fragment that starts here would write over the flags of TCP (RFC 1858 §3.2.2). */
const TCP_FLAGS_OFFSET = 8

/**
 * Fragments must not hide what other guards look for, nor write over it: a first fragment has its whole header, and no byte
 * of a datagram comes twice. A fragment that overlaps is dropped by itself, so that a receiver only ever sees the bytes
 * that were looked at.
 */
export class FragmentGuard implements Guard {
  readonly table: FragmentTable
  readonly #key = new Uint8Array(FragmentTable.KEY_BYTES)
  /** Of the fragment that is being looked at, in bytes; `more` says that others follow. */
  #start = 0
  #end = 0
  #more = false

  /** @param hashSeed 32 random bits */
  constructor(hashSeed: number) {
    this.table = new FragmentTable(hashSeed)
  }

  inspect(frame: GuardFrame): GuardVerdict {
    const { view, nowMs } = frame
    if (view.fragment === NOT_FRAGMENTED) return 'pass'
    if (view.fragment === FIRST_FRAGMENT && !hasUpperHeader(frame)) return 'fragment-tiny'
    if (view.ipVersion === 4) this.#read4(frame)
    else if (!this.#read6(frame)) return 'pass'
    if (this.#start === TCP_FLAGS_OFFSET && view.protocol === PROTOCOL_TCP) return 'fragment-tiny'
    const length = this.#end - this.#start
    if (this.#end > MAX_DATAGRAM_BYTES || length === 0 || (this.#more && length % 8 !== 0))
      return 'fragment-malformed'
    const verdict = this.table.add(this.#key, this.#start >>> 3, Math.ceil(this.#end / 8), nowMs)
    return verdict === 'new' ? 'pass' : 'fragment-overlap'
  }

  /** Key: port, protocol, addresses, identification (RFC 791 §3.2). */
  #read4({ bytes, offset, view, port }: GuardFrame): void {
    const at = offset + view.l3Offset
    const fragment = (bytes[at + 6]! << 8) | bytes[at + 7]!
    const headerBytes = (bytes[at]! & 0x0f) * 4
    this.#more = (fragment & 0x2000) !== 0
    this.#start = (fragment & 0x1fff) * 8
    this.#end = this.#start + view.ipEnd - view.l3Offset - headerBytes
    this.#beginKey(4, port.number)
    this.#key[5] = bytes[at + 9]!
    this.#key[6] = bytes[at + 4]!
    this.#key[7] = bytes[at + 5]!
    for (let i = 0; i < 8; i++) this.#key[10 + i] = bytes[at + 12 + i]!
  }

  /**
   * Key: port, addresses, identification (RFC 8200 §4.5).
   * @returns false for an atomic fragment, which is a whole packet and shares nothing with others (RFC 6946)
   */
  #read6({ bytes, offset, view, port }: GuardFrame): boolean {
    const at = offset + view.l3Offset
    const header = fragmentHeaderAt(bytes, at)
    const fragment = (bytes[header + 2]! << 8) | bytes[header + 3]!
    this.#more = (fragment & 1) !== 0
    this.#start = fragment & 0xfff8
    this.#end = this.#start + offset + view.ipEnd - header - 8
    if (this.#start === 0 && !this.#more) return false
    this.#beginKey(6, port.number)
    for (let i = 0; i < 4; i++) this.#key[6 + i] = bytes[header + 4 + i]!
    for (let i = 0; i < 32; i++) this.#key[10 + i] = bytes[at + 8 + i]!
    return true
  }

  #beginKey(family: number, port: number): void {
    this.#key.fill(0)
    this.#key[0] = family
    this.#key[1] = port >>> 24
    this.#key[2] = port >>> 16
    this.#key[3] = port >>> 8
    this.#key[4] = port
  }
}

/** Where the fragment header is that `parseFrame` has found. */
function fragmentHeaderAt(bytes: Uint8Array, packet: number): number {
  let protocol = bytes[packet + 6]!
  let at = packet + IPV6_HEADER_BYTES
  while (protocol !== PROTOCOL_FRAGMENT && isExtensionHeader(protocol)) {
    const length = extensionHeaderBytes(protocol, bytes[at + 1]!)
    protocol = bytes[at]!
    at += length
  }
  return at
}
