import { BOOT_NONCE_BYTES, IdMap } from '@wakunet/record'
import { compareBytes } from './control/bytes.ts'
import type { TokenBucket } from './control/token-bucket.ts'
import type { FdbPort } from './fdb.ts'
import type { ForwardGroup } from './forward-plan.ts'
import type { GuardPort } from './guards/guard-port.ts'
import type { RelayedTraffic } from './relay.ts'
import { SequenceWindow } from './sequence-window.ts'

/** What the membership says about a member, with its ids as bytes. */
export interface MemberInit {
  readonly nodeId: string
  /** The node id's 16 bytes. */
  readonly id: Uint8Array
  /** 8 bytes, random at every start of the member's switch. Must not be changed. */
  readonly bootNonce: Uint8Array
  /** The member's own MAC address, which nobody else may use; null binds none. */
  readonly mac: number | null
}

/**
 * Another member of the VLAN that has a trunk to this node: a port of the bridge. The object stays the same
 * for as long as the member does.
 */
export class Member implements FdbPort {
  /** What is passed on of its frames to everybody; made when it is first needed. */
  passed: TokenBucket | null = null
  readonly nodeId: string
  readonly id: Uint8Array
  /** What the membership says. */
  mac: number | null = null
  learnedMacs = 0
  /** What its port takes, bytes behind the Ethernet header; as far as it is known. */
  mtu = Number.POSITIVE_INFINITY
  /** Frames to this member alone, and all from it. */
  bytes = 0
  /** What was passed on for it to others. */
  readonly relayed: RelayedTraffic = { records: 0, bytes: 0 }
  /** Made with the first record where there is a limit. */
  relayBucket: TokenBucket | null = null
  /** The group of frames for this member in the batch numbered `groupBatch`. */
  group: ForwardGroup | null = null
  groupBatch = -1
  /** Made when a guard first needs it. */
  guardPort: GuardPort | null = null
  #bootNonce: Uint8Array
  #peers: readonly Uint8Array[] | null = null
  /** Made with the first record: most members of a large VLAN never send one here. */
  #window: SequenceWindow | null = null

  constructor(init: MemberInit) {
    this.nodeId = init.nodeId
    this.id = init.id
    this.mac = init.mac
    this.#bootNonce = init.bootNonce
  }

  /** The id alone, as the list of peers of a record. */
  get peers(): readonly Uint8Array[] {
    this.#peers ??= [this.id]
    return this.#peers
  }

  /** 8 bytes. */
  get bootNonce(): Uint8Array {
    return this.#bootNonce
  }

  get window(): SequenceWindow {
    this.#window ??= new SequenceWindow()
    return this.#window
  }

  /** Takes over what the membership says now. Another boot nonce starts another sequence. */
  update(init: MemberInit): void {
    if (compareBytes(init.bootNonce, 0, this.#bootNonce, 0, BOOT_NONCE_BYTES) !== 0) this.#window = null
    this.#bootNonce = init.bootNonce
    this.mac = init.mac
  }
}

/** Most members of a VLAN; the control contract has the same bound. */
export const MAX_MEMBERS = 4096
/** Members that went away and are remembered with their window; the oldest is forgotten first. */
export const MAX_RETIRED_MEMBERS = 1024

export interface MemberChanges {
  readonly removed: readonly Member[]
  /** New ones, and those that say something else now. */
  readonly changed: readonly Member[]
  /** One that stays has another MAC address. */
  readonly hasNewMac: boolean
  /** Members over `MAX_MEMBERS` that were left out. */
  readonly refused: number
}

/**
 * The members of a VLAN by id. A member that only lost its trunk comes back with the window that it had, so
 * that its old records stay duplicates.
 */
export class MemberTable {
  readonly #byId = new IdMap<Member>()
  readonly #retired = new Map<string, Member>()
  #all: readonly Member[] = []
  #ids: readonly Uint8Array[] | null = null

  get size(): number {
    return this.#all.length
  }

  get all(): readonly Member[] {
    return this.#all
  }

  /** The ids of all members: the peers of a record to the tree. */
  get ids(): readonly Uint8Array[] {
    this.#ids ??= this.#all.map((member) => member.id)
    return this.#ids
  }

  get retired(): number {
    return this.#retired.size
  }

  /** The member whose id is at `offset`, or null. */
  find(bytes: Uint8Array, offset: number): Member | null {
    return this.#byId.find(bytes, offset)
  }

  /** Replaces the whole set; of two entries with one id the first counts. */
  replace(inits: readonly MemberInit[]): MemberChanges {
    const known = new Set<string>()
    const first = inits.filter(({ nodeId }) => !known.has(nodeId) && known.add(nodeId))
    return this.change(
      first,
      this.#all.filter(({ nodeId }) => !known.has(nodeId)).map(({ id }) => id),
    )
  }

  /**
   * Takes over members that came or say something else now, and removes others.
   * @param changed each member once
   * @param gone ids, of which none is among `changed`
   */
  change(changed: readonly MemberInit[], gone: readonly Uint8Array[]): MemberChanges {
    const removed = this.#remove(gone)
    const added: Member[] = []
    const updated: Member[] = []
    let hasNewMac = false
    let refused = 0
    for (const init of changed) {
      const known = this.find(init.id, 0)
      if (known !== null) {
        if (known.mac !== init.mac) hasNewMac = true
        known.update(init)
        updated.push(known)
      } else if (this.#all.length + added.length >= MAX_MEMBERS) refused++
      else added.push(this.#add(init))
    }
    if (added.length > 0) this.#all = [...this.#all, ...added]
    if (removed.length + added.length > 0) this.#ids = null
    return { removed, changed: [...added, ...updated], hasNewMac, refused }
  }

  #add(init: MemberInit): Member {
    let member = this.#retired.get(init.nodeId)
    if (member === undefined) member = new Member(init)
    else {
      this.#retired.delete(init.nodeId)
      member.update(init)
    }
    this.#byId.add(member)
    return member
  }

  #remove(ids: readonly Uint8Array[]): Member[] {
    const removed: Member[] = []
    for (const id of ids) {
      const member = this.find(id, 0)
      if (member === null) continue
      this.#byId.delete(member)
      this.#retire(member)
      removed.push(member)
    }
    if (removed.length > 0) {
      const isGone = new Set(removed)
      this.#all = this.#all.filter((member) => !isGone.has(member))
    }
    return removed
  }

  #retire(member: Member): void {
    this.#retired.set(member.nodeId, member)
    if (this.#retired.size <= MAX_RETIRED_MEMBERS) return
    const oldest = this.#retired.keys().next()
    if (!oldest.done) this.#retired.delete(oldest.value)
  }
}
