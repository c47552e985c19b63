import {
  ARP_REQUEST,
  decodeArp,
  decodeEthernet,
  decodeIgmp,
  decodeIpv4,
  ETHERTYPE_ARP,
  ETHERTYPE_IPV4,
  IGMP_QUERY,
  PROTOCOL_IGMP,
} from '@wakunet/ethernet'
import { arpReplyFrame, membershipFrame, streamFrame } from './sim-frames.ts'

/** A station on the TAP's side: it answers ARP for its address and tells the groups that it wants. */
export class SimHost {
  readonly mac: number
  /** IPv4; zero while it has none. */
  address: Uint8Array
  readonly #groups = new Map<number, Uint8Array>()

  constructor(mac: number, address: Uint8Array = new Uint8Array(4)) {
    this.mac = mac
    this.address = address
  }

  get hasAddress(): boolean {
    return numberOf(this.address) !== 0
  }

  wants(group: Uint8Array): boolean {
    return this.#groups.has(numberOf(group))
  }

  /** Joins or leaves a group. @returns the frame that says so */
  subscribe(group: Uint8Array, isMember: boolean): Uint8Array {
    if (isMember) this.#groups.set(numberOf(group), group)
    else this.#groups.delete(numberOf(group))
    return membershipFrame(group, this.mac, this.address, isMember)
  }

  stream(group: Uint8Array, probe: number): Uint8Array {
    return streamFrame(group, this.mac, this.address, probe)
  }

  /** A frame of the TAP. @returns the frames that it answers with */
  hear(frame: Uint8Array): Uint8Array[] {
    const decoded = decodeEthernet(frame)
    if (decoded?.etherType === ETHERTYPE_ARP) return this.#hearArp(decoded.payload)
    if (decoded?.etherType === ETHERTYPE_IPV4 && this.#groups.size > 0) return this.#hearIp(decoded.payload)
    return []
  }

  #hearArp(payload: Uint8Array): Uint8Array[] {
    const packet = decodeArp(payload)
    if (packet?.operation !== ARP_REQUEST || !this.hasAddress) return []
    if (numberOf(packet.targetAddress) !== numberOf(this.address)) return []
    return [arpReplyFrame(packet, this.mac)]
  }

  #hearIp(payload: Uint8Array): Uint8Array[] {
    const packet = decodeIpv4(payload)
    if (packet?.protocol !== PROTOCOL_IGMP || decodeIgmp(packet.payload)?.type !== IGMP_QUERY) return []
    return [...this.#groups.values()].map((group) => membershipFrame(group, this.mac, this.address, true))
  }
}

function numberOf(address: Uint8Array): number {
  return (address[0]! << 24) | (address[1]! << 16) | (address[2]! << 8) | address[3]!
}
