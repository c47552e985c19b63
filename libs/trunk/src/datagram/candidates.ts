import { packSocketAddress, SOCKET_ADDRESS_BYTES, unpackSocketAddress } from '@wakunet/netio'
import type { WireCandidate } from '../control-message.ts'
import { type CandidateKind, MAX_CANDIDATES } from '../protocol.ts'

/** An address where a node may get datagrams. */
export interface DatagramAddress {
  /** IPv4 or IPv6, without a zone. */
  readonly host: string
  readonly port: number
}

/** @returns null where the host is no IP address */
export function packAddress({ host, port }: DatagramAddress): Uint8Array | null {
  const packed = new Uint8Array(SOCKET_ADDRESS_BYTES)
  try {
    packSocketAddress(packed, 0, host, port)
    return packed
  } catch {
    return null
  }
}

/** The reverse of `packAddress`. @throws WakunetError `ERR_ADDRESS_INVALID` where it is none */
export function hostAndPort(packed: Uint8Array): DatagramAddress {
  const { host, port } = unpackSocketAddress(packed, 0)
  return { host, port }
}

/** Host and port of a packed address as people write them, IPv6 in brackets. */
export function addressText(packed: Uint8Array): string {
  const { host, port } = hostAndPort(packed)
  return host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`
}

/** What to tell a peer: each address once, at most 16, those of the first kinds first. */
export function candidateList(
  addresses: Readonly<Record<CandidateKind, readonly DatagramAddress[]>>,
): WireCandidate[] {
  const seen = new Set<string>()
  const list: WireCandidate[] = []
  for (const kind of ['configured', 'host', 'reflexive'] as const) {
    for (const { host, port } of addresses[kind]) {
      const key = `${host} ${port}`
      if (seen.has(key) || list.length >= MAX_CANDIDATES) continue
      seen.add(key)
      list.push({ host, port, kind })
    }
  }
  return list
}
