import { blake3 } from '@noble/hashes/blake3.js'
import { bytesToHex, utf8ToBytes } from '@noble/hashes/utils.js'
import { hostLabel, STATION_LABEL } from './host-label.ts'
import type { NamedAddress, NamedHost, NameSource } from './name-source.ts'

/** Addresses that one name stands for; with more of them an answer would not fit a datagram. */
export const MAX_ADDRESSES_PER_NAME = 16
/** Addresses that have a name; further ones have none. */
export const MAX_NAMED_ADDRESSES = 65_536
/** Hexadecimal digits behind a name that is taken; with the longer ones a label has its 63 bytes. */
const SUFFIX_LENGTHS = [4, 8] as const
const MAX_BASE_LENGTH = 63 - 9

interface Entry extends NamedAddress {
  readonly sinceMs: number
  readonly station: Station
}

/** One station under one label; a station that calls itself two things is two of these. */
interface Station {
  readonly label: string
  readonly station: string
  /** What it is called when the label is taken: the first one that is free. Null while the label was never taken. */
  suffixed: readonly string[] | null
  readonly entries: Entry[]
  sinceMs: number
}

/**
 * Gives every station of a VLAN one name, the same on every switch that knows the same leases: the earliest station with a label is called
 * that, each later one the label with a suffix out of its MAC address, so that such a name never passes to another when somebody
 * leaves. A change costs time by the number of stations with that label alone.
 */
export class NameTable implements NameSource {
  readonly #byAddress = new Map<string, Entry>()
  /** Earliest first. */
  readonly #byLabel = new Map<string, Station[]>()
  /** Stations that may be called so when their label is taken. */
  readonly #bySuffixed = new Map<string, Set<Station>>()

  /** Addresses that are known with the label of a station. */
  get size(): number {
    return this.#byAddress.size
  }

  /** An address is a station's from now on; whatever was known of the address before is forgotten. */
  set(host: NamedHost): void {
    this.delete(host.address)
    const label = hostLabel(host.hostname)
    if (label === '' || this.#byAddress.size >= MAX_NAMED_ADDRESSES) return
    const station = this.#stationOf(label, host.station)
    const entry: Entry = { address: Uint8Array.from(host.address), sinceMs: host.sinceMs, station }
    this.#byAddress.set(bytesToHex(entry.address), entry)
    station.entries.push(entry)
    this.#place(station)
  }

  /** Nobody has the address any more. */
  delete(address: Uint8Array): void {
    const key = bytesToHex(address)
    const entry = this.#byAddress.get(key)
    if (entry === undefined) return
    const { station } = entry
    this.#byAddress.delete(key)
    station.entries.splice(station.entries.indexOf(entry), 1)
    if (station.entries.length > 0) this.#place(station)
    else this.#remove(station)
  }

  find(name: string): Iterable<NamedAddress> {
    const lower = name.toLowerCase()
    const [first] = lower === STATION_LABEL ? [] : (this.#byLabel.get(lower) ?? [])
    const station = first ?? this.#holderOf(lower)
    return station === null ? [] : station.entries.slice(0, MAX_ADDRESSES_PER_NAME)
  }

  nameOf(address: Uint8Array): string | null {
    const entry = this.#byAddress.get(bytesToHex(address))
    if (entry === undefined) return null
    const { station } = entry
    if (this.#hasLabel(station)) return station.label
    return station.suffixed?.find((name) => this.#holderOf(name) === station) ?? null
  }

  #hasLabel(station: Station): boolean {
    return station.label !== STATION_LABEL && this.#byLabel.get(station.label)?.[0] === station
  }

  /** Who has a name with a suffix: nobody where it is the label of another, else the earliest of those that need it. */
  #holderOf(suffixed: string): Station | null {
    if (this.#byLabel.has(suffixed)) return null
    let holder: Station | null = null
    for (const station of this.#bySuffixed.get(suffixed) ?? []) {
      if (!this.#hasLabel(station) && (holder === null || isBefore(station, holder))) holder = station
    }
    return holder
  }

  #stationOf(label: string, station: string): Station {
    const stations = this.#byLabel.get(label) ?? []
    const known = stations.find((candidate) => candidate.station === station)
    if (known !== undefined) return known
    const created: Station = {
      label,
      station,
      suffixed: null,
      entries: [],
      sinceMs: Number.POSITIVE_INFINITY,
    }
    stations.push(created)
    this.#byLabel.set(label, stations)
    // Those of most stations are their own, and nobody else's: the others cost a hash.
    if (stations.length > 1 || label === STATION_LABEL) for (const other of stations) this.#suffix(other)
    return created
  }

  /** From now on a station may be called by its names with a suffix. */
  #suffix(station: Station): void {
    if (station.suffixed !== null) return
    station.suffixed = suffixedNames(station.label, station.station)
    for (const name of station.suffixed) {
      const sharing = this.#bySuffixed.get(name) ?? new Set()
      this.#bySuffixed.set(name, sharing.add(station))
    }
  }

  /** Brings a station to its place among those with its label. */
  #place(station: Station): void {
    station.sinceMs = station.entries.reduce(
      (least, { sinceMs }) => Math.min(least, sinceMs),
      Number.POSITIVE_INFINITY,
    )
    const stations = this.#byLabel.get(station.label)!
    stations.splice(stations.indexOf(station), 1)
    const index = stations.findIndex((other) => isBefore(station, other))
    stations.splice(index < 0 ? stations.length : index, 0, station)
  }

  #remove(station: Station): void {
    const stations = this.#byLabel.get(station.label)!
    stations.splice(stations.indexOf(station), 1)
    if (stations.length === 0) this.#byLabel.delete(station.label)
    for (const name of station.suffixed ?? []) {
      const sharing = this.#bySuffixed.get(name)!
      sharing.delete(station)
      if (sharing.size === 0) this.#bySuffixed.delete(name)
    }
  }
}

/** The earlier one; of two that are as early, the one with the lower MAC address. */
function isBefore(a: Station, b: Station): boolean {
  if (a.sinceMs !== b.sinceMs) return a.sinceMs < b.sinceMs
  return a.station === b.station ? a.label < b.label : a.station < b.station
}

function suffixedNames(label: string, station: string): string[] {
  const suffix = bytesToHex(blake3(utf8ToBytes(station), { dkLen: 4 }))
  return SUFFIX_LENGTHS.map((length) => `${label.slice(0, MAX_BASE_LENGTH)}-${suffix.slice(0, length)}`)
}
