import { readFileSync } from 'node:fs'
import { type NetworkInterfaceInfo, networkInterfaces } from 'node:os'

/** Of IPv4 or IPv6 without options, and of UDP. */
const IPV4_OVERHEAD_BYTES = 28
const IPV6_OVERHEAD_BYTES = 48
const USUAL_MTU = 1_500
/** Jumbo frames; loopback has more, and nobody gains by it. */
const LARGEST_MTU = 9_000

export interface HostAddressesInit {
  /** The addresses that are listened on; `0.0.0.0` and `::` stand for all. */
  readonly host4: string | null
  readonly host6: string | null
  /** Inside a joined VLAN: not an address of the underlay. */
  readonly isOverlay: (host: string) => boolean
  readonly interfaces?: () => NodeJS.Dict<NetworkInterfaceInfo[]>
  /** MTU of an interface; null where it cannot be read. */
  readonly mtuOf?: (name: string) => number | null
}

/** What this host has of its own to get datagrams at. */
export interface HostAddresses {
  readonly hosts: readonly string[]
  readonly largestDatagram4: number
  readonly largestDatagram6: number
}

/** Addresses of the interfaces, those of the default kinds first in the kernel's order, and what the interfaces take. */
export function hostAddresses(init: HostAddressesInit): HostAddresses {
  const { host4, host6, isOverlay, interfaces = networkInterfaces, mtuOf = readMtu } = init
  const hosts: string[] = []
  let mtu = 0
  for (const [name, addresses] of Object.entries(interfaces())) {
    for (const { address, family, internal } of addresses ?? []) {
      const bound = family === 'IPv4' ? host4 : host6
      const isAny = bound === '0.0.0.0' || bound === '::'
      // fe80::/10 names no interface.
      if (bound === null || /^fe[89ab]/i.test(address) || isOverlay(address)) continue
      if (isAny ? internal : bound !== address) continue
      hosts.push(address)
      mtu = Math.max(mtu, mtuOf(name) ?? USUAL_MTU)
    }
  }
  const largest = Math.min(mtu === 0 ? USUAL_MTU : mtu, LARGEST_MTU)
  return {
    hosts,
    largestDatagram4: largest - IPV4_OVERHEAD_BYTES,
    largestDatagram6: largest - IPV6_OVERHEAD_BYTES,
  }
}

function readMtu(name: string): number | null {
  try {
    return Number(readFileSync(`/sys/class/net/${name}/mtu`, 'utf8')) || null
  } catch {
    return null
  }
}
