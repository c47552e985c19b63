import type { Member } from './members.ts'

/**
 * What becomes of a frame from the TAP:
 * - `pass`: it goes where the forwarding database says
 * - `members`: to the targets, and to nobody else
 * - `stop`: nowhere; it was dropped, and counted, or the switch has answered it itself
 */
export type ForwardFate = 'pass' | 'members' | 'stop'

/** What decides about frames beside the forwarding database. Allocates nothing for a frame. */
export interface BridgePolicy {
  /**
   * A frame of `length` bytes at `at` from the TAP.
   * @param member on whose side its destination is; null for a group, or an unknown destination
   */
  forward(bytes: Uint8Array, at: number, length: number, member: Member | null, nowMs: number): ForwardFate
  /** Of the last frame whose fate was `members`. */
  readonly targetCount: number
  target(index: number): Member
  /**
   * Whether a frame from a member goes to the TAP.
   * @param isKnown whether its destination is known to be on the TAP's side
   */
  receive(
    bytes: Uint8Array,
    at: number,
    length: number,
    sender: Member,
    isKnown: boolean,
    nowMs: number,
  ): boolean
  /** A member is gone. */
  removeMember(member: Member): void
}
