/** An address that a name stands for. */
export interface NamedAddress {
  /** 4 or 16 bytes. */
  readonly address: Uint8Array
}

/** Who is called what in a VLAN. Names are single labels in lower case, without the domain. */
export interface NameSource {
  /** Addresses of the host with this name, IPv4 and IPv6; none where there is no such host. */
  find(name: string): Iterable<NamedAddress>
  /** The one name that an address is shown with, null for an address of nobody known. */
  nameOf(address: Uint8Array): string | null
}

/** One address of one station, as a lease or a member's announcement has it. */
export interface NamedHost extends NamedAddress {
  /** As the station said it; what is no label is cut to one. Nameless where nothing is left. */
  readonly hostname: string
  /** Same for all addresses of one station, another for every other station: its MAC address as text. */
  readonly station: string
  /** Unix milliseconds since which the station has this address. Of two stations with one name the earlier one keeps it. */
  readonly sinceMs: number
}
