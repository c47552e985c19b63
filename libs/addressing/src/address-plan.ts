/** One address that is kept for one client: named by its MAC address, or as the own address of a member. */
export interface AddressReservation {
  readonly mac?: string | undefined
  readonly nodeId?: string | undefined
  readonly address4: string
}

/** What the record of a VLAN says about addresses; absent fields have their defaults. Every field was checked with the record. */
export interface AddressPlan {
  /** CIDR form. */
  readonly subnet4: string
  /** A /64 in CIDR form. */
  readonly subnet6: string
  /** Largest IP packet, bytes. */
  readonly mtu: number
  /** Addresses that are given away, both included; without it all host addresses of the subnet. */
  readonly pool4?: { readonly first: string; readonly last: string } | undefined
  readonly reservations?: readonly AddressReservation[] | undefined
  readonly router4?: string | undefined
  /** Resolvers that are handed out behind the switch's own. */
  readonly dns?: readonly string[] | undefined
  /** Without it `<name>.waku.internal`. */
  readonly domain?: string | undefined
  readonly ntp?: readonly string[] | undefined
  readonly leaseSeconds?: number | undefined
}
