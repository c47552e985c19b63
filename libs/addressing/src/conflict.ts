import type { NodeId } from '@wakunet/interface'

/** What one member says about an address that another has, too. */
export interface AddressClaim {
  readonly nodeId: NodeId
  /** Which automatic address it is. Says nothing about who keeps it. */
  readonly attempt: number
  /** Chosen by a person. */
  readonly manual: boolean
}

/**
 * Who moves when two members have one address. Both sides come to the same result, and exactly one of them
 * keeps it: an address that a person chose stays before an automatic one, then the lower node id stays.
 */
export function settleConflict(mine: AddressClaim, theirs: AddressClaim): 'keep' | 'move' {
  if (mine.manual !== theirs.manual) return mine.manual ? 'keep' : 'move'
  return mine.nodeId <= theirs.nodeId ? 'keep' : 'move'
}
