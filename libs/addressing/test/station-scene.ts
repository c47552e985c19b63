import { readFileSync } from 'node:fs'
import {
  checksum16,
  decodeEthernet,
  decodeIpv4,
  decodeIpv6,
  decodeUdp,
  ETHERTYPE_IPV4,
  type EthernetFrame,
  type Ipv4Packet,
  type Ipv6Packet,
  icmpv6Sum,
} from '@wakunet/ethernet'
import {
  type AddressPlan,
  formatIp,
  type NamedHost,
  NameTable,
  parseIpv4,
  parseIpv6,
  VlanStation,
} from '../src/index.ts'
import { datagramFrame, transportSum } from '../src/station/packets.ts'
import type { StationDatagram } from '../src/station/station-types.ts'

export const VLAN_ID = hexToBytes('00112233445566778899aabbccddeeff')
export const PLAN: AddressPlan = {
  subnet4: '10.77.16.0/20',
  subnet6: 'fd12:3456:789a:1::/64',
  mtu: 1420,
  ntp: ['fd12:3456:789a:1::123'],
}
/** The host that client-frames.json is from. */
export const CLIENT_MAC = hexToBytes('8a823b8a4f78')
export const CLIENT4 = address('10.77.16.5')
export const CLIENT6 = address('fd12:3456:789a:1:8882:3bff:fe8a:4f78')

/** A host called `laptop` with both addresses. */
export const LAPTOP: readonly NamedHost[] = ['10.77.16.9', 'fd12:3456:789a:1::9'].map((text) => ({
  hostname: 'laptop',
  station: '02:00:00:00:00:09',
  sinceMs: 1,
  address: address(text),
}))

export interface SceneInit {
  readonly plan?: AddressPlan
  readonly hosts?: readonly NamedHost[]
  readonly random?: () => number
}

/** A station with its TAP in view. Time stands still unless a test moves it. */
export class StationScene {
  nowMs = 1_000
  readonly station: VlanStation
  readonly dhcp4: StationDatagram[] = []
  /** Address, MAC address and side of what is bound. */
  readonly bindings = new Set<string>()
  #sent: Uint8Array[] = []

  constructor({ plan = PLAN, hosts = LAPTOP, random = () => 0.5 }: SceneInit = {}) {
    const names = new NameTable()
    for (const host of hosts) names.set(host)
    this.station = new VlanStation(
      { vlanId: VLAN_ID, vlanName: 'Home', plan, names, hashSeed: 7, random },
      {
        toTap: (frame) => this.#sent.push(frame),
        onBindings: ({ kind, address: bytes, mac, owner }) => {
          const text = `${formatIp(bytes)} ${mac.toString(16)} ${owner === null ? 'tap' : 'member'}`
          if (kind === 'added') this.bindings.add(text)
          else this.bindings.delete(text)
        },
        onDhcp4: (datagram) => this.dhcp4.push(structuredClone(datagram)),
      },
      this.nowMs,
    )
  }

  /** Frames since the last call. */
  takeSent(): Uint8Array[] {
    const sent = this.#sent
    this.#sent = []
    return sent
  }

  /** What one frame from the TAP is answered with. The frame stands in the middle of other bytes. */
  ask(frame: Uint8Array): Uint8Array[] {
    this.takeSent()
    const bytes = new Uint8Array(frame.length + 20).fill(0xaa)
    bytes.set(frame, 7)
    this.station.fromTap(bytes, 7, frame.length, this.nowMs)
    bytes.fill(0)
    return this.takeSent()
  }

  /** The same, where one answer is expected. */
  askOne(frame: Uint8Array): Sent {
    const answers = this.ask(frame)
    if (answers.length !== 1) throw new Error(`${answers.length} answers`)
    return readSent(answers[0]!)
  }

  /** Runs all timers up to a time. */
  runUntil(nowMs: number): void {
    for (let dueMs = this.station.dueMs(); dueMs <= nowMs; dueMs = this.station.dueMs()) {
      this.nowMs = Math.max(this.nowMs, dueMs)
      this.station.tick(this.nowMs)
    }
    this.nowMs = nowMs
  }

  /** A datagram of the client to one of the station's addresses. */
  datagram(destination: Uint8Array, destinationPort: number, payload: Uint8Array, source?: Uint8Array) {
    const from = source ?? (destination.length === 4 ? CLIENT4 : CLIENT6)
    const path = {
      sourceMac: CLIENT_MAC,
      destinationMac: this.station.addresses.mac,
      source: from,
      destination,
    }
    return datagramFrame(path, { sourcePort: 40_000, destinationPort }, payload)
  }
}

/** A frame of the station, all of whose checksums were found right by other code than made them. */
export interface Sent {
  readonly ethernet: EthernetFrame
  readonly ip4: Ipv4Packet | null
  readonly ip6: Ipv6Packet | null
  /** Of a UDP datagram. */
  readonly ports: readonly [source: number, destination: number] | null
  /** Of a UDP datagram; of other protocols the whole upper layer. */
  readonly payload: Uint8Array
}

export function readSent(frame: Uint8Array): Sent {
  const ethernet = decodeEthernet(frame)
  if (ethernet === null) throw new Error('no frame')
  const ip4 = ethernet.etherType === ETHERTYPE_IPV4 ? decodeIpv4(ethernet.payload) : null
  const ip6 = ethernet.etherType === 0x86dd ? decodeIpv6(ethernet.payload) : null
  const ip = ip4 ?? ip6
  if (ip === null) return { ethernet, ip4, ip6, ports: null, payload: ethernet.payload }
  const protocol = ip4?.protocol ?? ip6!.nextHeader
  if (ip4 !== null && !ip4.headerChecksumValid) throw new Error('IPv4 header checksum')
  if (protocol === 1 && checksum16(ip.payload, 0, ip.payload.length) !== 0) throw new Error('ICMP checksum')
  if (protocol === 58 && icmpv6Sum(ip.source, ip.destination, ip.payload) !== 0xffff) {
    throw new Error('ICMPv6 checksum')
  }
  const udp = protocol === 17 ? decodeUdp(ip.payload) : null
  if (udp === null) return { ethernet, ip4, ip6, ports: null, payload: ip.payload }
  if (udp.checksum === 0 || transportSum(ip.source, ip.destination, 17, ip.payload) !== 0xffff) {
    throw new Error('UDP checksum')
  }
  return { ethernet, ip4, ip6, ports: [udp.sourcePort, udp.destinationPort], payload: udp.payload }
}

interface ClientFrames {
  readonly frames: Readonly<Record<string, { readonly by: string; readonly hex: string }>>
}

const clientFrames = JSON.parse(
  readFileSync(new URL('./client-frames.json', import.meta.url), 'utf8'),
) as ClientFrames

/** What a real program sent to a station with `PLAN`; the file says which one, and how it was taken. */
export function clientFrame(name: string): Uint8Array {
  const frame = clientFrames.frames[name]
  if (frame === undefined) throw new Error(`no frame ${name}`)
  return hexToBytes(frame.hex)
}

export const CLIENT_FRAMES: readonly string[] = Object.keys(clientFrames.frames)

export function hexToBytes(hex: string): Uint8Array {
  return Uint8Array.from(hex.match(/../g) ?? [], (pair) => Number.parseInt(pair, 16))
}

export function hex(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('hex')
}

export function address(text: string): Uint8Array {
  const bytes = parseIpv4(text) ?? parseIpv6(text)
  if (bytes === null) throw new Error(`${text} is no address`)
  return bytes
}

/** Sets bytes of a copy. */
export function changed(bytes: Uint8Array, at: number, ...values: number[]): Uint8Array {
  const copy = Uint8Array.from(bytes)
  copy.set(values, at)
  return copy
}
