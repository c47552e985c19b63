import type { LabProcess } from '@wakunet/netlab'
import type { Station } from './station.ts'

/** How socat reaches a group of receivers from one station. */
export interface DatagramGroup {
  readonly name: string
  /** socat address of a receiver on `station`. */
  receiver(station: Station): string
  /** socat address of the sender on `station`. */
  sender(station: Station): string
}

/** The broadcast address of the VLAN's subnet. */
export const SUBNET_BROADCAST: DatagramGroup = {
  name: 'a subnet broadcast',
  receiver: () => 'UDP4-RECV:5101,reuseaddr',
  sender: (from) => `UDP4-DATAGRAM:${broadcastAddress(from)}:5101,broadcast,bind=${from.address4}`,
}

/** 255.255.255.255, as games and DHCP clients use it. */
export const LIMITED_BROADCAST: DatagramGroup = {
  name: 'a limited broadcast',
  receiver: (station) => `UDP4-RECV:5102,reuseaddr,so-bindtodevice=${station.interface}`,
  sender: (from) =>
    `UDP4-DATAGRAM:255.255.255.255:5102,broadcast,bind=${from.address4},so-bindtodevice=${from.interface}`,
}

/** A group of the administratively scoped block (RFC 2365). */
export const MULTICAST_IPV4: DatagramGroup = {
  name: 'an IPv4 multicast',
  receiver: (station) => `UDP4-RECV:5103,reuseaddr,ip-add-membership=239.255.41.3:${station.address4}`,
  sender: (from) => `UDP4-DATAGRAM:239.255.41.3:5103,ip-multicast-if=${from.address4},bind=${from.address4}`,
}

/** A transient link-local group (RFC 4291 section 2.7). */
export const MULTICAST_IPV6: DatagramGroup = {
  name: 'an IPv6 multicast',
  receiver: (station) => `UDP6-RECV:5104,reuseaddr,ipv6-join-group=[ff12::4103]:${station.interface}`,
  sender: (from) => `UDP6-DATAGRAM:[ff12::4103%${from.interface}]:5104`,
}

export const DATAGRAM_GROUPS = [SUBNET_BROADCAST, LIMITED_BROADCAST, MULTICAST_IPV4, MULTICAST_IPV6] as const

/** Starts a receiver of a group; what arrives is its standard output. */
export async function startReceiver(station: Station, group: DatagramGroup): Promise<LabProcess> {
  const receiver = station.host.lab.spawn('socat', ['-d', '-d', '-u', group.receiver(station), 'STDOUT'])
  await receiver.waitForOutput(/starting data transfer loop/)
  return receiver
}

/** Sends one datagram to a group. */
export async function sendDatagram(from: Station, group: DatagramGroup, text: string): Promise<void> {
  await from.host.lab.exec('socat', ['-u', 'STDIN', group.sender(from)], { input: text })
}

function broadcastAddress({ address4, prefixLength4 }: Station): string {
  const bytes = address4.split('.').map(Number)
  const hostBits = 32 - prefixLength4
  return bytes.map((byte, index) => byte | hostMask(hostBits, 24 - index * 8)).join('.')
}

/** The 8 bits from `shift` of a mask with `hostBits` low bits set. */
function hostMask(hostBits: number, shift: number): number {
  return (2 ** Math.max(0, Math.min(8, hostBits - shift)) - 1) & 0xff
}
