import { compareIds } from '@wakunet/gossip'
import type { Lease } from './lease.ts'

/** A lease as the one who announced it has it. */
export interface Claim {
  readonly lease: Lease
  /** Node id, 16 bytes. */
  readonly owner: Uint8Array
  /** Whether the VLAN's record reserves the address for this client. */
  readonly isReserved: boolean
}

/**
 * Which of two claims to one address counts: negative for `a`. A total order, and so the same for everybody who has the same
 * claims, whatever came first: what the record reserves, then what a person chose, then what is established, then
 * the lower node id (`docs/protocols/vlan-control.md`).
 */
export function compareClaims(a: Claim, b: Claim): number {
  if (a.isReserved !== b.isReserved) return a.isReserved ? -1 : 1
  const isManual = a.lease.kind === 'manual'
  if (isManual !== (b.lease.kind === 'manual')) return isManual ? -1 : 1
  return a.lease.sinceMs - b.lease.sinceMs || compareIds(a.owner, b.owner)
}
