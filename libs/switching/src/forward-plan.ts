import { MAX_BATCH_FRAMES } from '@wakunet/interface'
import type { Member } from './members.ts'

/** Frames of one batch that go the same way, in their order. */
export interface ForwardGroup {
  /** Null for the tree: every member. */
  member: Member | null
  readonly indexes: Uint16Array
  count: number
}

/**
 * Where the frames of one batch go: groups by destination, in the order of their first frames. Groups are made once and used again for the next
 * batch; at most one per frame.
 */
export class ForwardPlan {
  readonly #pool: ForwardGroup[] = []
  #batch = 0
  #groupCount = 0
  #tree: ForwardGroup | null = null

  get groupCount(): number {
    return this.#groupCount
  }

  /** Group `index`, 0 to `groupCount - 1`. */
  group(index: number): ForwardGroup {
    return this.#pool[index]!
  }

  /** Empties the plan for the next batch. */
  reset(): void {
    this.#batch++
    this.#groupCount = 0
    this.#tree = null
  }

  addToTree(frame: number): void {
    this.#tree ??= this.#newGroup(null)
    append(this.#tree, frame)
  }

  addToMember(member: Member, frame: number): void {
    if (member.group === null || member.groupBatch !== this.#batch) {
      member.group = this.#newGroup(member)
      member.groupBatch = this.#batch
    }
    append(member.group, frame)
  }

  #newGroup(member: Member | null): ForwardGroup {
    let group = this.#pool[this.#groupCount]
    if (group === undefined) {
      group = { member, indexes: new Uint16Array(MAX_BATCH_FRAMES), count: 0 }
      this.#pool.push(group)
    }
    group.member = member
    group.count = 0
    this.#groupCount++
    return group
  }
}

function append(group: ForwardGroup, frame: number): void {
  group.indexes[group.count] = frame
  group.count++
}
