import { idEquals, idKey } from '@wakunet/record'
import type { FdbPort } from './fdb.ts'
import type { ForwardGroup } from './forward-plan.ts'
import type { GuardPort } from './guards/guard-port.ts'
import { SequenceWindow } from './sequence-window.ts'

/** What the membership says about a member, with its ids as bytes. */
export interface MemberInit {
  readonly nodeId: string
  /** The node id's 16 bytes. */
  readonly id: Uint8Array
  /** 8 bytes, random at every start of the member's switch. */
  readonly bootNonce: Uint8Array
  /** The member's own MAC address, which nobody else may use; null binds none. */
  readonly mac: number | null
}

/**
 * Another member of the VLAN that has a trunk to this node: a port of the bridge. The object stays the same
 * for as long as the member does.
 */
export class Member implements FdbPort {
  readonly nodeId: string
  readonly id: Uint8Array
  /** The id alone, as the list of peers of a record. */
  readonly peers: readonly Uint8Array[]
  bootNonceHigh = 0
  bootNonceLow = 0
  mac: number | null = null
  learnedMacs = 0
  /** Another member with the same 48-bit key. */
  next: Member | null = null
  /** The group of frames for this member in the batch numbered `groupBatch`. */
  group: ForwardGroup | null = null
  groupBatch = -1
  /** Made when a guard first needs it. */
  guardPort: GuardPort | null = null
  /** Made with the first record: most members of a large VLAN never send one here. */
  #window: SequenceWindow | null = null

  constructor(init: MemberInit) {
    this.nodeId = init.nodeId
    this.id = init.id
    this.peers = [init.id]
    this.update(init)
  }

  get window(): SequenceWindow {
    this.#window ??= new SequenceWindow()
    return this.#window
  }

  /** Takes over what the membership says now. Another boot nonce starts another sequence. */
  update(init: MemberInit): void {
    const high = readNonceHalf(init.bootNonce, 0)
    const low = readNonceHalf(init.bootNonce, 4)
    if (high !== this.bootNonceHigh || low !== this.bootNonceLow) this.#window = null
    this.bootNonceHigh = high
    this.bootNonceLow = low
    this.mac = init.mac
  }
}

function readNonceHalf(nonce: Uint8Array, offset: number): number {
  return (
    ((nonce[offset]! << 24) | (nonce[offset + 1]! << 16) | (nonce[offset + 2]! << 8) | nonce[offset + 3]!) >>>
    0
  )
}

/** Most members of a VLAN; the control contract has the same bound. */
export const MAX_MEMBERS = 4096
/** Members that went away and are remembered with their window; the oldest is forgotten first. */
export const MAX_RETIRED_MEMBERS = 1024

export interface MemberChanges {
  readonly removed: readonly Member[]
  /** Members over `MAX_MEMBERS` that were left out. */
  readonly refused: number
}

/**
 * The members of a VLAN by id. A member that only lost its trunk comes back with the window that it had, so
 * that its old records stay duplicates.
 */
export class MemberTable {
  readonly #byKey = new Map<number, Member>()
  readonly #retired = new Map<string, Member>()
  #all: readonly Member[] = []
  #ids: readonly Uint8Array[] = []

  get size(): number {
    return this.#all.length
  }

  get all(): readonly Member[] {
    return this.#all
  }

  /** The ids of all members: the peers of a record to the tree. */
  get ids(): readonly Uint8Array[] {
    return this.#ids
  }

  get retired(): number {
    return this.#retired.size
  }

  /** The member whose id is at `offset`, or null. */
  find(bytes: Uint8Array, offset: number): Member | null {
    let member = this.#byKey.get(idKey(bytes, offset)) ?? null
    while (member !== null && !idEquals(bytes, offset, member.id)) member = member.next
    return member
  }

  /** Replaces the whole set; of two entries with one id the first counts. */
  replace(inits: readonly MemberInit[]): MemberChanges {
    const next = new Map<string, Member>()
    let refused = 0
    for (const init of inits) {
      if (next.has(init.nodeId)) continue
      if (next.size >= MAX_MEMBERS) refused++
      else next.set(init.nodeId, this.#memberOf(init))
    }
    const removed = this.#all.filter((member) => !next.has(member.nodeId))
    for (const member of removed) this.#retire(member)
    this.#rebuild([...next.values()])
    return { removed, refused }
  }

  #memberOf(init: MemberInit): Member {
    const known = this.find(init.id, 0) ?? this.#retired.get(init.nodeId)
    if (known === undefined) return new Member(init)
    this.#retired.delete(init.nodeId)
    known.update(init)
    return known
  }

  #retire(member: Member): void {
    this.#retired.set(member.nodeId, member)
    if (this.#retired.size <= MAX_RETIRED_MEMBERS) return
    const oldest = this.#retired.keys().next()
    if (!oldest.done) this.#retired.delete(oldest.value)
  }

  #rebuild(all: readonly Member[]): void {
    this.#byKey.clear()
    for (const member of all) {
      const key = idKey(member.id, 0)
      member.next = this.#byKey.get(key) ?? null
      this.#byKey.set(key, member)
    }
    this.#all = all
    this.#ids = all.map((member) => member.id)
  }
}
