import { DNS_CLASS_IN, DNS_TYPE, type DnsRecord, encodeDnsName } from '@wakunet/ethernet'
import type { AddressPlan } from '../address-plan.ts'
import { type Cidr, parseCidr } from '../cidr.ts'
import { STATION_LABEL } from './host-label.ts'
import type { NamedAddress, NameSource } from './name-source.ts'
import { MAX_ADDRESSES_PER_NAME } from './name-table.ts'
import { isInNetwork, parseReverseName, reverseName, reverseZoneBits } from './reverse-name.ts'

/** Short: addresses move, and asking costs next to nothing. */
const TTL_SECONDS = 30
/** For how long nothing is remembered as nothing (RFC 2308 §5): a host that joins shall be found soon. */
const NEGATIVE_TTL_SECONDS = 10
/** Serial, refresh, retry, expire: nobody transfers the zone. */
const SOA_TIMERS = [1, 3_600, 600, 86_400, NEGATIVE_TTL_SECONDS] as const

/** What a zone knows of a name. */
export interface ZoneAnswer {
  /** Whether the name exists; without records it has none of the type (RFC 2308 §2.2). */
  readonly exists: boolean
  readonly records: readonly DnsRecord[]
  /** For answers without records. */
  readonly soa: DnsRecord
}

export interface ZoneInit {
  /** The VLAN's own first: the one that addresses are shown with. Lower case, without final dot. */
  readonly domains: readonly string[]
  readonly plan: Pick<AddressPlan, 'subnet4' | 'subnet6'>
  readonly stationAddresses: readonly Uint8Array[]
  readonly names: NameSource
}

/** The names of one VLAN: its domains, and the reverse names of its subnets. */
export class Zone {
  readonly #init: ZoneInit
  readonly #domains: readonly (readonly string[])[]
  readonly #networks: readonly Cidr[]

  constructor(init: ZoneInit) {
    this.#init = init
    this.#domains = init.domains.map((domain) => domain.split('.'))
    this.#networks = [parseCidr(init.plan.subnet4), parseCidr(init.plan.subnet6)]
  }

  /**
   * Answers for a name of class IN.
   * @param name as it was asked: answers have it in the same case
   * @param labels its labels in lower case; what is not plain text is no host's
   * @returns null for a name that is not of this VLAN
   */
  find(name: string, labels: readonly string[], type: number): ZoneAnswer | null {
    const domain = this.#domains.find((candidate) => endsWith(labels, candidate))
    if (domain !== undefined) {
      return this.#findForward(name, labels.slice(0, labels.length - domain.length), domain.join('.'), type)
    }
    return this.#findReverse(name, labels, type)
  }

  #findForward(name: string, host: readonly string[], domain: string, type: number): ZoneAnswer {
    const soa = this.#soa(domain)
    if (host.length === 0) return { exists: true, records: this.#apex(name, soa, type), soa }
    if (host.length > 1) return { exists: false, records: [], soa }
    const addresses = this.#addressesOf(host[0]!)
    const records = addresses
      .filter(({ address }) => isOfType(address, type))
      .slice(0, MAX_ADDRESSES_PER_NAME)
    return {
      exists: addresses.length > 0,
      records: records.map(({ address }) => ({
        ...base(name, TTL_SECONDS),
        type: address.length === 4 ? DNS_TYPE.a : DNS_TYPE.aaaa,
        data: address,
      })),
      soa,
    }
  }

  #addressesOf(label: string): NamedAddress[] {
    if (label === STATION_LABEL) return this.#init.stationAddresses.map((address) => ({ address }))
    return [...this.#init.names.find(label)]
  }

  #findReverse(name: string, labels: readonly string[], type: number): ZoneAnswer | null {
    const reverse = parseReverseName(labels)
    const network = this.#networks.find((candidate) => reverse !== null && isInNetwork(reverse, candidate))
    if (reverse === null || network === undefined) return null
    const bits = reverseZoneBits(network)
    const apex = reverseName(reverse.bytes, Math.min(bits, reverse.prefixLength))
    const soa = this.#soa(apex)
    if (reverse.prefixLength <= bits && reverse.prefixLength < reverse.bytes.length * 8) {
      return { exists: true, records: this.#apex(name, soa, type), soa }
    }
    // Between the zone and the addresses: there may be names below (RFC 8020 §2).
    if (reverse.prefixLength < reverse.bytes.length * 8) return { exists: true, records: [], soa }
    const host = this.#hostOf(reverse.bytes)
    if (host === null) return { exists: false, records: [], soa }
    const isAsked = type === DNS_TYPE.ptr || type === DNS_TYPE.any
    const data = nameData(`${host}.${this.#init.domains[0]}`)
    const records = isAsked ? [{ ...base(name, TTL_SECONDS), type: DNS_TYPE.ptr, data }] : []
    return { exists: true, records, soa }
  }

  #hostOf(address: Uint8Array): string | null {
    const isStation = this.#init.stationAddresses.some((own) => own.join() === address.join())
    return isStation ? STATION_LABEL : this.#init.names.nameOf(address)
  }

  #apex(name: string, soa: DnsRecord, type: number): DnsRecord[] {
    if (type === DNS_TYPE.soa) return [{ ...soa, name }]
    if (type !== DNS_TYPE.ns) return []
    return [{ ...base(name, TTL_SECONDS), type: DNS_TYPE.ns, data: nameData(this.#stationName()) }]
  }

  #soa(apex: string): DnsRecord {
    const timers = new Uint8Array(4 * SOA_TIMERS.length)
    for (const [i, seconds] of SOA_TIMERS.entries()) new DataView(timers.buffer).setUint32(4 * i, seconds)
    const server = nameData(this.#stationName())
    const mailbox = nameData(`hostmaster.${this.#init.domains[0]}`)
    const data = Uint8Array.of(...server, ...mailbox, ...timers)
    return { ...base(apex, NEGATIVE_TTL_SECONDS), type: DNS_TYPE.soa, data }
  }

  #stationName(): string {
    return `${STATION_LABEL}.${this.#init.domains[0]}`
  }
}

function base(name: string, ttlSeconds: number) {
  return { name, class: DNS_CLASS_IN, ttlSeconds }
}

function isOfType(address: Uint8Array, type: number): boolean {
  return type === DNS_TYPE.any || type === (address.length === 4 ? DNS_TYPE.a : DNS_TYPE.aaaa)
}

function endsWith(labels: readonly string[], domain: readonly string[]): boolean {
  const start = labels.length - domain.length
  return start >= 0 && domain.every((label, i) => labels[start + i] === label)
}

/** Of a name whose labels were checked when the zone was made. */
function nameData(name: string): Uint8Array {
  return encodeDnsName(name) ?? new Uint8Array(1)
}
