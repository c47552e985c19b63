import type { Multiaddr } from '@multiformats/multiaddr'
import { type Cidr, cidrContains, parseCidr } from '@wakunet/addressing'

/**
 * Keeps trunks off the VLANs that they carry: an address inside the subnet of a joined VLAN is neither
 * announced nor dialled nor accepted. Without it a trunk could run through itself.
 */
export class OverlayGate {
  readonly #subnetsByLane = new Map<string, readonly Cidr[]>()

  /** Replaces the subnets that one switch has on its ports. Unparsable ones were refused by its own checks. */
  setSubnets(lane: string, subnets: readonly string[]): void {
    this.#subnetsByLane.set(
      lane,
      subnets.map((subnet) => parseCidr(subnet)),
    )
  }

  /** True where the multiaddr's host is an IP address inside a joined VLAN, or IPv6 link-local (which names no interface). */
  isOverlay(address: Multiaddr): boolean {
    const host = hostOf(address)
    return host !== null && this.isOverlayHost(host)
  }

  /** The same of an IP address alone. */
  isOverlayHost(host: string): boolean {
    if (/^fe[89ab]/i.test(host)) return true
    for (const subnets of this.#subnetsByLane.values()) {
      if (subnets.some((subnet) => cidrContains(subnet, host))) return true
    }
    return false
  }
}

/** The IP address of a multiaddr, or null where it starts with a name. */
function hostOf(address: Multiaddr): string | null {
  const first = address.getComponents().find(({ name }) => name === 'ip4' || name === 'ip6')
  return first?.value ?? null
}
