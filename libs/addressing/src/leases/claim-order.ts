import { compareIds } from '@wakunet/gossip'
import type { Lease } from './lease.ts'

/** A lease as the one who announced it has it. */
export interface Claim extends Lease {
  /** Node id, 16 bytes. */
  readonly owner: Uint8Array
}

/**
 * Which of two claims to one address counts: negative for `a`. A total order, and so the same for everybody who has the same
 * claims, whatever came first: what the record reserves, then what a person chose, then what is established, then
 * the lower node id (`docs/protocols/vlan-control.md`).
 * @param isReserved whether the VLAN's record reserves the address for this client
 */
export function compareClaims(a: Claim, b: Claim, isReserved: (claim: Claim) => boolean): number {
  const reserved = isReserved(a)
  if (reserved !== isReserved(b)) return reserved ? -1 : 1
  const isManual = a.kind === 'manual'
  if (isManual !== (b.kind === 'manual')) return isManual ? -1 : 1
  return a.sinceMs - b.sinceMs || compareIds(a.owner, b.owner)
}
