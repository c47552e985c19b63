import type { TreePort } from './port.ts'

/** Hello time (IEEE 802.1D-2004 table 17-1); no BPDU says less. */
export const HELLO_MS = 1_000
const LAN_HELLO_MS = 2_000
const MAX_HELLO_MS = 60_000
const FIRST_HELLO_MS = 400
const FIRST_PROPOSAL_MS = 100

/**
 * When to say the same again: soon while it is new or unanswered, then after twice as long each time. A quiet tree is
 * a cheap one, as trunks notice themselves when they break.
 */
export function helloIntervalMs(port: TreePort): number {
  if (port.kind === 'lan') return LAN_HELLO_MS
  const doubled = 2 ** Math.min(port.hellos - 1, 10)
  if (port.isProposing) return Math.min(HELLO_MS, FIRST_PROPOSAL_MS * doubled)
  return Math.min(MAX_HELLO_MS, FIRST_HELLO_MS * doubled)
}
