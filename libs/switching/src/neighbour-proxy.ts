import {
  ARP_BYTES,
  ARP_REPLY,
  ARP_REQUEST,
  createFrameView,
  ETHERNET_HEADER_BYTES,
  ETHERTYPE_ARP,
  ETHERTYPE_IPV4,
  ETHERTYPE_IPV6,
  type FrameView,
  icmpv6Sum,
  isBroadcastMac,
  isMulticastMac,
  MIN_PAYLOAD_BYTES,
  ND_HOP_LIMIT,
  ND_NEIGHBOR_ADVERTISEMENT,
  ND_NEIGHBOR_SOLICITATION,
  ND_OPTION_SOURCE_LINK_ADDRESS,
  ND_OPTION_TARGET_LINK_ADDRESS,
  NOT_FRAGMENTED,
  PROTOCOL_ICMPV6,
  parseFrame,
  storeIcmpv6Checksum,
  writeMac,
} from '@wakunet/ethernet'
import { sameAddress } from './address-map.ts'
import type { Binding, BindingOwner, BindingTable } from './guards/bindings.ts'

/** A learned binding that was not heard of for longer is not vouched for: the question goes to the network. */
export const PROXY_FRESH_MS = 30_000

const IPV6_HEADER_BYTES = 40
const NEIGHBOUR_BYTES = 24
const LINK_OPTION_BYTES = 8
const ADVERTISEMENT_BYTES = NEIGHBOUR_BYTES + LINK_OPTION_BYTES
/** Solicited, not override: a proxy does not push out what the station itself has said (RFC 4861 §7.2.8). */
const FLAG_SOLICITED = 0x40

/**
 * Answers ARP requests and neighbour solicitations of the TAP in the name of members whose address is bound, so that they
 * need not flood the VLAN. What asks whether an address is free goes through to the network: probes and announcements (RFC 5227),
 * duplicate address detection (RFC 4862 §5.4); and so does what asks one station whether it is still there.
 */
export class NeighbourProxy<Owner extends BindingOwner> {
  /** Monotonic counters: questions that were answered, and those that go to the network. */
  answered = 0
  passed = 0
  /** Can be switched off at any time. */
  isOn = true
  readonly #bindings: BindingTable<Owner>
  readonly #tap: Owner
  readonly #view: FrameView = createFrameView()
  readonly #arp = new Uint8Array(ETHERNET_HEADER_BYTES + MIN_PAYLOAD_BYTES)
  readonly #advertisement = new Uint8Array(ETHERNET_HEADER_BYTES + IPV6_HEADER_BYTES + ADVERTISEMENT_BYTES)

  /** @param tap the owner of the TAP's own bindings, which are not answered for */
  constructor(bindings: BindingTable<Owner>, tap: Owner) {
    this.#bindings = bindings
    this.#tap = tap
  }

  /**
   * The answer to the frame of `length` bytes at `offset` from the TAP, to be written to the TAP; the frame itself then goes
   * nowhere. Valid until the next call.
   * @returns null for a frame that is no question, or one for the network
   */
  answer(bytes: Uint8Array, offset: number, length: number, nowMs: number): Uint8Array | null {
    if (!this.isOn || !isMulticastMac(bytes, offset)) return null
    if (parseFrame(bytes, offset, length, this.#view) !== 'ok' || this.#view.tagCount > 0) return null
    if (this.#view.etherType === ETHERTYPE_ARP)
      return this.#count(this.#answerArp(bytes, offset, length, nowMs))
    if (!this.#isSolicitation(bytes, offset)) return null
    return this.#count(this.#answerSolicitation(bytes, offset, nowMs))
  }

  #count(reply: Uint8Array | null): Uint8Array | null {
    if (reply === null) this.passed++
    else this.answered++
    return reply
  }

  #answerArp(bytes: Uint8Array, offset: number, length: number, nowMs: number): Uint8Array | null {
    const at = offset + ETHERNET_HEADER_BYTES
    if (length < ETHERNET_HEADER_BYTES + ARP_BYTES || !isBroadcastMac(bytes, offset)) return null
    if (bytes[at + 7] !== ARP_REQUEST || read16(bytes, at) !== 1 || read16(bytes, at + 2) !== ETHERTYPE_IPV4)
      return null
    const sender = at + 14
    const target = at + 24
    // A probe has no sender, an announcement asks for the sender itself (RFC 5227 §1.1, §2.3).
    if (isZero(bytes, sender, 4) || sameBytes(bytes, sender, target, 4)) return null
    const binding = this.#fresh(bytes, target, 4, nowMs)
    if (binding === null || binding.mac === null) return null
    const reply = this.#arp
    this.#startReply(reply, bytes, offset, binding.mac, ETHERTYPE_ARP)
    reply.set(bytes.subarray(at, at + 8), ETHERNET_HEADER_BYTES)
    reply[ETHERNET_HEADER_BYTES + 7] = ARP_REPLY
    writeMac(reply, ETHERNET_HEADER_BYTES + 8, binding.mac)
    copy(bytes, target, reply, ETHERNET_HEADER_BYTES + 14, 4)
    copy(bytes, at + 8, reply, ETHERNET_HEADER_BYTES + 18, 10)
    return reply
  }

  #isSolicitation(bytes: Uint8Array, offset: number): boolean {
    const { etherType, protocol, fragment, l3Offset, l4Offset, ipEnd } = this.#view
    if (etherType !== ETHERTYPE_IPV6 || protocol !== PROTOCOL_ICMPV6 || fragment !== NOT_FRAGMENTED)
      return false
    // Behind extension headers nobody asks honestly.
    if (l4Offset !== l3Offset + IPV6_HEADER_BYTES || l4Offset + NEIGHBOUR_BYTES > ipEnd) return false
    return bytes[offset + l4Offset] === ND_NEIGHBOR_SOLICITATION && bytes[offset + l4Offset + 1] === 0
  }

  #answerSolicitation(bytes: Uint8Array, offset: number, nowMs: number): Uint8Array | null {
    const at = offset + this.#view.l3Offset
    const message = offset + this.#view.l4Offset
    const source = at + 8
    const target = message + 8
    if (bytes[at + 7] !== ND_HOP_LIMIT || isZero(bytes, source, 16)) return null
    if (bytes[at + 24] !== 0xff || bytes[target] === 0xff || !this.#asksForAnswer(bytes, offset)) return null
    const binding = this.#fresh(bytes, target, 16, nowMs)
    if (binding === null || binding.mac === null || sameAddress(binding.address, bytes, source, 16))
      return null
    const packet = bytes.subarray(source, source + 32)
    const body = bytes.subarray(message, offset + this.#view.ipEnd)
    if (icmpv6Sum(packet.subarray(0, 16), packet.subarray(16), body) !== 0xffff) return null
    return this.#advertise(bytes, offset, source, target, binding.mac)
  }

  /** With a link-layer address to answer to, which is the frame's own (RFC 4861 §4.3). */
  #asksForAnswer(bytes: Uint8Array, offset: number): boolean {
    const option = offset + this.#view.l4Offset + NEIGHBOUR_BYTES
    if (option + LINK_OPTION_BYTES > offset + this.#view.ipEnd) return false
    if (bytes[option] !== ND_OPTION_SOURCE_LINK_ADDRESS || bytes[option + 1] !== 1) return false
    return sameBytes(bytes, option + 2, offset + 6, 6)
  }

  #advertise(bytes: Uint8Array, offset: number, source: number, target: number, mac: number): Uint8Array {
    const reply = this.#advertisement
    const packet = ETHERNET_HEADER_BYTES
    const message = packet + IPV6_HEADER_BYTES
    reply.fill(0)
    this.#startReply(reply, bytes, offset, mac, ETHERTYPE_IPV6)
    reply[packet] = 0x60
    reply[packet + 5] = ADVERTISEMENT_BYTES
    reply[packet + 6] = PROTOCOL_ICMPV6
    reply[packet + 7] = ND_HOP_LIMIT
    copy(bytes, target, reply, packet + 8, 16)
    copy(bytes, source, reply, packet + 24, 16)
    reply[message] = ND_NEIGHBOR_ADVERTISEMENT
    reply[message + 4] = FLAG_SOLICITED
    copy(bytes, target, reply, message + 8, 16)
    reply[message + NEIGHBOUR_BYTES] = ND_OPTION_TARGET_LINK_ADDRESS
    reply[message + NEIGHBOUR_BYTES + 1] = 1
    writeMac(reply, message + NEIGHBOUR_BYTES + 2, mac)
    storeIcmpv6Checksum(
      reply.subarray(packet + 8, packet + 24),
      reply.subarray(packet + 24, message),
      reply.subarray(message),
    )
    return reply
  }

  #startReply(reply: Uint8Array, bytes: Uint8Array, offset: number, mac: number, etherType: number): void {
    copy(bytes, offset + 6, reply, 0, 6)
    writeMac(reply, 6, mac)
    reply[12] = etherType >>> 8
    reply[13] = etherType
  }

  /** The binding of a member that can be vouched for: static, or heard of lately and not in doubt. */
  #fresh(bytes: Uint8Array, at: number, length: number, nowMs: number): Binding<Owner> | null {
    const binding = this.#bindings.find(bytes, at, length, nowMs)
    if (binding === null || binding.owner === this.#tap || binding.challenger !== null) return null
    return binding.isStatic || nowMs - binding.seenMs <= PROXY_FRESH_MS ? binding : null
  }
}

function copy(from: Uint8Array, at: number, to: Uint8Array, toAt: number, length: number): void {
  for (let i = 0; i < length; i++) to[toAt + i] = from[at + i]!
}

function read16(bytes: Uint8Array, at: number): number {
  return (bytes[at]! << 8) | bytes[at + 1]!
}

function isZero(bytes: Uint8Array, at: number, length: number): boolean {
  for (let i = 0; i < length; i++) if (bytes[at + i] !== 0) return false
  return true
}

function sameBytes(bytes: Uint8Array, a: number, b: number, length: number): boolean {
  for (let i = 0; i < length; i++) if (bytes[a + i] !== bytes[b + i]) return false
  return true
}
