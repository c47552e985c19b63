import type { NatKindName } from '@wakunet/bus'
import type { DatagramAddress } from '@wakunet/trunk'

/**
 * What is between this host and the internet, by what public peers see of its one UDP socket (RFC 4787 §4.1): `endpoint-independent` where
 * all see the same port, `symmetric` where each sees another.
 * @param seen what each public peer sees
 * @param own IP addresses of this host
 */
export function natKind(seen: readonly DatagramAddress[], own: readonly string[]): NatKindName {
  if (seen.length === 0) return 'unknown'
  if (seen.every(({ host }) => own.includes(host))) return 'none'
  if (new Set(seen.map(({ host, port }) => `${host} ${port}`)).size > 1) return 'symmetric'
  return seen.length > 1 ? 'endpoint-independent' : 'unknown'
}
