import type { GroupFrameKind } from './group-frame.ts'

/**
 * Who gets a frame. One object is filled again for every frame; only the first `count` of `members` mean
 * anything.
 */
export class MulticastTargets<M> {
  kind: GroupFrameKind = 'unicast'
  /** The whole VLAN gets it; `members` is empty then. */
  everybody = false
  /** The TAP's side gets it. */
  tap = false
  count = 0
  readonly members: M[] = []

  reset(kind: GroupFrameKind): void {
    this.kind = kind
    this.everybody = false
    this.tap = false
    this.count = 0
  }

  add(member: M): void {
    this.members[this.count] = member
    this.count++
  }

  /** Adds a member that may be there already. */
  addOnce(member: M): void {
    for (let i = 0; i < this.count; i++) if (this.members[i] === member) return
    this.add(member)
  }
}
