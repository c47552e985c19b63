import { DNS_TYPE, type DnsRecord } from './dns-message.ts'

/** The only version there is (RFC 6891 §6.1.3). */
export const EDNS_VERSION = 0

/** The pseudo record that extends a message (RFC 6891 §6.1). */
export interface Edns {
  /** Largest message that its sender takes over UDP. Smaller values than 512 count as that (RFC 6891 §6.2.3). */
  readonly udpBytes: number
  /** Upper eight bits of the response code. */
  readonly extendedCode: number
  readonly version: number
  /** The sender wants DNSSEC records (RFC 3225). */
  readonly dnssecOk: boolean
  /** Options as on the wire. Decoded: a view of the input. */
  readonly options: Uint8Array
}

/** @returns null for a record that is none of the kind, or not at the root */
export function decodeEdns(record: DnsRecord): Edns | null {
  if (record.type !== DNS_TYPE.opt || record.name !== '') return null
  return {
    udpBytes: record.class,
    extendedCode: record.ttlSeconds >>> 24,
    version: (record.ttlSeconds >>> 16) & 0xff,
    dnssecOk: (record.ttlSeconds & 0x8000) !== 0,
    options: record.data,
  }
}

export function encodeEdns(edns: Edns): DnsRecord {
  const flags = edns.dnssecOk ? 0x8000 : 0
  return {
    name: '',
    type: DNS_TYPE.opt,
    class: edns.udpBytes,
    ttlSeconds: ((edns.extendedCode << 24) | (edns.version << 16) | flags) >>> 0,
    data: edns.options,
  }
}
