import {
  ARP_REQUEST,
  encodeArp,
  encodeEthernet,
  encodeIpv4,
  encodeIpv6,
  encodeNeighborMessage,
  encodeUdp,
  type NeighborMessage,
  type NeighborOption,
  type VlanTag,
} from '@wakunet/ethernet'
import { GuardChain, type GuardChainInit } from '../src/guards/guard-chain.ts'
import type { GuardDrop, GuardVerdict } from '../src/guards/guard-drops.ts'
import type { GuardTraffic } from '../src/guards/guard-frame.ts'
import type { GuardPort } from '../src/guards/guard-port.ts'

export const bytesOf = (hex: string) => Uint8Array.from(Buffer.from(hex.replaceAll(' ', ''), 'hex'))
export const ip4 = (text: string) => Uint8Array.from(text.split('.'), Number)
/** fe80:: or fd00:: with a last number. */
export const linkLocal = (n: number) => bytesOf(`fe80${'00'.repeat(13)}${n.toString(16).padStart(2, '0')}`)
export const ula = (n: number) => bytesOf(`fd00${'00'.repeat(13)}${n.toString(16).padStart(2, '0')}`)
/** MAC address of station `n`, as bytes and as a number. */
export const mac = (n: number) => bytesOf(`0200000000${n.toString(16).padStart(2, '0')}`)
export const macNumber = (n: number) => 0x0200_0000_0000 + n
export const BROADCAST = new Uint8Array(6).fill(255)
export const ALL_NODES = bytesOf(`ff02${'00'.repeat(13)}01`)
const ALL_NODES_MAC = bytesOf('333300000001')

export function join(...parts: Uint8Array[]): Uint8Array {
  const bytes = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0))
  let position = 0
  for (const part of parts) {
    bytes.set(part, position)
    position += part.length
  }
  return bytes
}

export function ethernet(
  source: number,
  etherType: number,
  payload: Uint8Array,
  { destination = BROADCAST, tags = [] }: { destination?: Uint8Array; tags?: VlanTag[] } = {},
): Uint8Array {
  return encodeEthernet({ destination, source: mac(source), tags, etherType, payload })
}

export const tag = (vid: number, tpid = 0x8100): VlanTag => ({ tpid, vid, priority: 0, dropEligible: false })

/** An ARP packet of a station, about its own MAC address unless told otherwise. */
export function arp(
  station: number,
  sender: string,
  target: string,
  more: { operation?: number; senderMac?: Uint8Array; destination?: Uint8Array; tags?: VlanTag[] } = {},
): Uint8Array {
  const { operation = ARP_REQUEST, senderMac = mac(station), ...rest } = more
  const packet = {
    operation,
    senderMac,
    senderAddress: ip4(sender),
    targetMac: new Uint8Array(6),
    targetAddress: ip4(target),
  }
  const payload = new Uint8Array(46)
  payload.set(encodeArp(packet))
  return ethernet(station, 0x0806, payload, rest)
}

/** An IPv4 packet; `fragment` is the flags and offset field. */
export function ipv4(
  station: number,
  protocol: number,
  payload: Uint8Array,
  more: {
    fragment?: number
    identification?: number
    source?: string
    destination?: string
    destinationMac?: Uint8Array
  } = {},
): Uint8Array {
  const header = {
    trafficClass: 0,
    identification: more.identification ?? 1,
    dontFragment: ((more.fragment ?? 0) & 0x4000) !== 0,
    moreFragments: ((more.fragment ?? 0) & 0x2000) !== 0,
    fragmentOffset: ((more.fragment ?? 0) & 0x1fff) * 8,
    ttl: 64,
    protocol,
    source: ip4(more.source ?? '10.1.0.5'),
    destination: ip4(more.destination ?? '10.1.0.6'),
    options: new Uint8Array(0),
  }
  return ethernet(station, 0x0800, encodeIpv4(header, payload), {
    destination: more.destinationMac ?? mac(0x66),
  })
}

/** An IPv6 packet with whatever is in it. */
export function ipv6(
  station: number,
  nextHeader: number,
  payload: Uint8Array,
  more: {
    source?: Uint8Array
    destination?: Uint8Array
    hopLimit?: number
    tags?: VlanTag[]
    destinationMac?: Uint8Array
  } = {},
): Uint8Array {
  const header = {
    trafficClass: 0,
    flowLabel: 0,
    nextHeader,
    hopLimit: more.hopLimit ?? 255,
    source: more.source ?? linkLocal(station),
    destination: more.destination ?? ALL_NODES,
  }
  const { destinationMac: destination = ALL_NODES_MAC, tags = [] } = more
  return ethernet(station, 0x86dd, encodeIpv6(header, payload), { destination, tags })
}

export function udp(sourcePort: number, destinationPort: number, payload = new Uint8Array(20)): Uint8Array {
  return encodeUdp({ sourcePort, destinationPort, checksum: 0 }, payload)
}

export function tcp(bytes = 40): Uint8Array {
  const segment = new Uint8Array(bytes)
  segment[12] = 0x50
  return segment
}

/** A link-layer address option. */
export const link = (type: 1 | 2, address: Uint8Array): NeighborOption => ({ type, data: address })

/** A neighbour discovery message of a station. */
export function nd(
  station: number,
  message: NeighborMessage,
  more: Parameters<typeof ipv6>[3] = {},
): Uint8Array {
  const source = more.source ?? linkLocal(station)
  const destination = more.destination ?? ALL_NODES
  return ipv6(station, 58, encodeNeighborMessage(message, source, destination), {
    ...more,
    source,
    destination,
  })
}

export const solicitation = (target: Uint8Array, options: NeighborOption[] = []): NeighborMessage => ({
  type: 135,
  target,
  options,
})
export const advertisement = (target: Uint8Array, options: NeighborOption[] = []): NeighborMessage => ({
  type: 136,
  router: false,
  solicited: true,
  override: true,
  target,
  options,
})
export const routerAdvertisement: NeighborMessage = {
  type: 134,
  hopLimit: 64,
  flags: 0,
  lifetimeSeconds: 1800,
  reachableMs: 0,
  retransmitMs: 0,
  options: [],
}

/** A chain with two members, and short ways to ask it. */
export class ChainTest {
  readonly chain: GuardChain
  readonly alice: GuardPort
  readonly mallory: GuardPort
  nowMs = 1_000

  constructor(init: Partial<GuardChainInit> = {}) {
    this.chain = new GuardChain({ hashSeed: 99, ...init }, this.nowMs)
    this.alice = this.chain.newMemberPort()
    this.mallory = this.chain.newMemberPort()
  }

  inspect(
    frame: Uint8Array,
    port: GuardPort = this.mallory,
    traffic: GuardTraffic = 'unicast',
  ): GuardVerdict {
    // Inside a larger buffer, as frames are in batches.
    const bytes = new Uint8Array(frame.length + 7).fill(0xee)
    bytes.set(frame, 3)
    return this.chain.inspect(bytes, 3, frame.length, port, traffic, this.nowMs)
  }

  fromTap(frame: Uint8Array, traffic: GuardTraffic = 'unicast'): GuardVerdict {
    return this.inspect(frame, this.chain.tap, traffic)
  }

  count(reason: GuardDrop): number {
    return this.chain.drops[reason]
  }
}
