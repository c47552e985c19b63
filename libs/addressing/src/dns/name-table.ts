import { blake3 } from '@noble/hashes/blake3.js'
import { bytesToHex, utf8ToBytes } from '@noble/hashes/utils.js'
import { hostLabel, STATION_LABEL } from './host-label.ts'
import type { NamedAddress, NamedHost, NameSource } from './name-source.ts'

/** Addresses that one name stands for; with more of them an answer would not fit a datagram. */
export const MAX_ADDRESSES_PER_NAME = 16
/** Stations that have a name; further ones have none. */
export const MAX_NAMED_STATIONS = 65_536
/** Hexadecimal digits behind a name that is taken. */
const SUFFIX_LENGTHS = [4, 8] as const
const MAX_BASE_LENGTH = 63 - 9
const MAX_LABEL_LENGTH = 63

interface Station {
  readonly label: string
  readonly station: string
  sinceMs: number
  readonly addresses: Uint8Array[]
}

export interface NameTableInit {
  /** All addresses of the VLAN that are known, with what their stations call themselves. */
  readonly hosts: () => Iterable<NamedHost>
}

/**
 * Gives every station of a VLAN one name, the same on every switch that knows the same leases: the earlier station has the name that it
 * asks for, each later one the name with a suffix out of its MAC address, so that a name never passes from one of the later ones to
 * another when somebody leaves. The table is made anew when it is asked after `invalidate`.
 */
export class NameTable implements NameSource {
  readonly #init: NameTableInit
  #isStale = true
  #byName = new Map<string, readonly NamedAddress[]>()
  #byAddress = new Map<string, string>()

  constructor(init: NameTableInit) {
    this.#init = init
  }

  /** The leases have changed. */
  invalidate(): void {
    this.#isStale = true
  }

  find(name: string): Iterable<NamedAddress> {
    this.#refresh()
    return this.#byName.get(name.toLowerCase()) ?? []
  }

  nameOf(address: Uint8Array): string | null {
    this.#refresh()
    return this.#byAddress.get(bytesToHex(address)) ?? null
  }

  /** Names that are given. */
  get size(): number {
    this.#refresh()
    return this.#byName.size
  }

  #refresh(): void {
    if (!this.#isStale) return
    this.#isStale = false
    this.#byName = new Map()
    this.#byAddress = new Map()
    const taken = new Set([STATION_LABEL])
    for (const station of sortedStations(this.#init.hosts())) {
      const name = freeName(station, taken)
      if (name === null) continue
      taken.add(name)
      this.#byName.set(
        name,
        station.addresses.map((address) => ({ address })),
      )
      for (const address of station.addresses) {
        const key = bytesToHex(address)
        // Of two that claim one address, the earlier one is shown.
        if (!this.#byAddress.has(key)) this.#byAddress.set(key, name)
      }
    }
  }
}

/** Earliest first; of two that are as early, the one with the lower MAC address. */
function sortedStations(hosts: Iterable<NamedHost>): Station[] {
  const stations = new Map<string, Station>()
  for (const { hostname, station, sinceMs, address } of hosts) {
    const label = hostLabel(hostname)
    if (label === '') continue
    const key = `${station} ${label}`
    const known = stations.get(key)
    if (known === undefined) {
      if (stations.size === MAX_NAMED_STATIONS) continue
      stations.set(key, { label, station, sinceMs, addresses: [address] })
    } else {
      known.sinceMs = Math.min(known.sinceMs, sinceMs)
      if (known.addresses.length < MAX_ADDRESSES_PER_NAME) known.addresses.push(address)
    }
  }
  const order = ({ station, label }: Station) => `${station} ${label}`
  return [...stations.values()].sort((a, b) => a.sinceMs - b.sinceMs || (order(a) < order(b) ? -1 : 1))
}

/**
 * A bare name goes to nobody who comes later, and a suffixed one to nobody else but by a collision of 16 bits, which a longer suffix
 * solves.
 */
function freeName({ label, station }: Station, taken: ReadonlySet<string>): string | null {
  if (!taken.has(label)) return label
  const suffix = bytesToHex(blake3(utf8ToBytes(station), { dkLen: 4 }))
  for (const length of SUFFIX_LENGTHS) {
    const name = `${label.slice(0, MAX_BASE_LENGTH)}-${suffix.slice(0, length)}`
    if (name.length <= MAX_LABEL_LENGTH && !taken.has(name)) return name
  }
  return null
}
