import { isDeepStrictEqual } from 'node:util'
import { defaultSubnet4, formatCidr, networkOf, parseCidr, ulaPrefix } from '@wakunet/addressing'
import type { RequestOf, VlanInfo } from '@wakunet/bus'
import {
  createVlanKey,
  editedFields,
  parseVlanRef,
  signVlanRecord,
  vlanIdFromPublicKey,
  vlanIdToBytes,
} from '@wakunet/identity'
import { type Clock, type Logger, type Timer, type VlanId, WakunetError } from '@wakunet/interface'
import { ambiguous, directoryFull, notFound, notOwned, unknownHere, unknownName } from './directory-errors.ts'
import {
  fromState,
  planOf,
  type StoredVlan,
  toState,
  type VlanStateEntry,
  verifiedVlan,
} from './stored-vlan.ts'

const DEFAULT_MTU = 1400
const DEFAULT_TIMEOUT_MS = 10_000
const MAX_VLANS = 1_024
/** Asks peers again while somebody waits: they may just have connected. */
const ASK_AGAIN_MS = 1_000

export interface DirectoryInit {
  readonly clock: Clock
  readonly logger: Logger
  readonly random: (bytes: number) => Uint8Array
  /** Asks every peer that has a trunk for a record. */
  readonly askPeers: (vlan: Uint8Array) => void
  /** Whether this node has joined the VLAN. */
  readonly isJoined: (vlan: VlanId) => boolean
  /** A stored VLAN has a newer record, which is on disk. */
  readonly onNewer: (vlan: VlanInfo) => void
  /** Writes the whole state; resolves when it is on disk. */
  readonly save: (entries: readonly VlanStateEntry[]) => Promise<void>
}

/**
 * The VLAN records that this node knows: those that it made, and those that it was asked to resolve and got from peers.
 * Nothing enters that was not asked for, so that a peer cannot fill it; what is there is replaced by newer records alone.
 */
export class Directory {
  readonly #init: DirectoryInit
  readonly #vlans = new Map<VlanId, StoredVlan>()
  readonly #waiting = new Map<VlanId, Set<(vlan: StoredVlan) => void>>()
  /** Records from peers that did not hold. */
  recordsRefused = 0
  /** Newer records of joined VLANs that were refused because their subnet is another. */
  subnetsRefused = 0
  /** Records that took the place of older ones. */
  recordsRenewed = 0

  constructor(init: DirectoryInit) {
    this.#init = init
  }

  /** Takes in what was saved. @throws WakunetError `ERR_VLAN_RECORD_INVALID` where an entry does not verify */
  load(entries: readonly VlanStateEntry[]): void {
    for (const entry of entries) {
      const vlan = fromState(entry, this.#init.clock.wallMs())
      this.#vlans.set(vlan.id, vlan)
    }
  }

  list(): VlanInfo[] {
    return [...this.#vlans.values()].map(({ info }) => info)
  }

  /** The signed record of a VLAN, for a peer that asks. */
  encodedRecord(vlan: VlanId): Uint8Array | null {
    return this.#vlans.get(vlan)?.encoded ?? null
  }

  sequenceOf(vlan: VlanId): number {
    return this.#vlans.get(vlan)?.info.sequence ?? 0
  }

  isOwned(vlan: VlanId): boolean {
    return this.#vlans.get(vlan)?.info.owned ?? false
  }

  async create(request: RequestOf<'directory.create'>): Promise<VlanInfo> {
    this.#assertRoom()
    const { privateKey, publicKey } = createVlanKey(this.#init.random(32))
    const id = vlanIdFromPublicKey(publicKey)
    const { clock } = this.#init
    const encoded = signVlanRecord(
      {
        name: request.name,
        description: request.description ?? '',
        policy: 'open',
        subnet4:
          request.subnet4 === undefined
            ? defaultSubnet4(id)
            : formatCidr(networkOf(parseCidr(request.subnet4))),
        subnet6: ulaPrefix(id),
        mtu: request.mtu ?? DEFAULT_MTU,
        sequence: 1,
        issuedAtMs: clock.wallMs(),
        ...planOf(request),
      },
      privateKey,
    )
    const vlan = verifiedVlan(encoded, privateKey, clock.wallMs())
    await this.#store(vlan)
    return vlan.info
  }

  /**
   * Changes the record of a VLAN whose key is here. Where nothing is another than before, the record stays as it is.
   * @throws WakunetError `ERR_VLAN_NOT_OWNED`, `ERR_VLAN_RECORD_INVALID`, and what `resolve` throws
   */
  async edit({ vlan: ref, ...edit }: RequestOf<'directory.edit'>): Promise<VlanInfo> {
    const stored = this.#require(ref)
    if (stored.privateKey === null) throw notOwned(stored.info)
    const { id: _, publicKey: __, ...fields } = stored.record
    const edited = editedFields(fields, edit)
    if (isDeepStrictEqual(edited, fields)) return stored.info
    const issuedAtMs = this.#init.clock.wallMs()
    const encoded = signVlanRecord(
      { ...edited, sequence: fields.sequence + 1, issuedAtMs },
      stored.privateKey,
    )
    const vlan = verifiedVlan(encoded, stored.privateKey, issuedAtMs)
    await this.#replace(vlan)
    return vlan.info
  }

  /**
   * The VLAN that people mean: an id with or without checksum, or a name.
   * @throws WakunetError `ERR_VLAN_ID_INVALID`, `ERR_VLAN_NOT_FOUND`, `ERR_VLAN_NAME_AMBIGUOUS`
   */
  async resolve(ref: string, timeoutMs = DEFAULT_TIMEOUT_MS): Promise<VlanInfo> {
    const known = this.#find(ref)
    return 'info' in known ? known.info : this.#fetch(known.unknown, timeoutMs)
  }

  /**
   * A peer's answer to a request of ours.
   * @returns false where nobody waits for this VLAN
   */
  receive(id: VlanId, encoded: Uint8Array | null): boolean {
    const waiting = this.#waiting.get(id)
    if (waiting === undefined) return false
    const vlan = encoded === null ? null : this.#verifiedFromPeer(id, encoded)
    if (vlan !== null) for (const settle of waiting) settle(vlan)
    return true
  }

  /**
   * What may be a newer record of a stored VLAN, from a peer. One with an equal or lower sequence never replaces; one that
   * moves a joined VLAN to another subnet is refused with a warning.
   */
  async renew(id: VlanId, encoded: Uint8Array): Promise<void> {
    if (!this.#vlans.has(id)) return
    const newer = this.#verifiedFromPeer(id, encoded)
    const stored = this.#vlans.get(id)
    if (newer === null || stored === undefined || newer.info.sequence <= stored.info.sequence) return
    if (this.#init.isJoined(id) && !sameSubnets(stored.info, newer.info)) {
      this.subnetsRefused++
      this.#warnOfSubnet(stored.info, newer.info)
      return
    }
    await this.#replace(newer)
    this.recordsRenewed++
  }

  async #replace(newer: StoredVlan): Promise<void> {
    await this.#store(newer)
    const { id, name, sequence } = newer.info
    this.#init.logger.info('the VLAN has a newer record', { vlan: name, id, sequence })
    this.#init.onNewer(newer.info)
  }

  #warnOfSubnet(ours: VlanInfo, theirs: VlanInfo): void {
    this.#init.logger.warn(
      'refused a newer record: it moves the joined VLAN to another subnet; leave it to take it',
      {
        vlan: ours.name,
        id: ours.id,
        sequence: theirs.sequence,
        subnets: `${ours.subnet4}, ${ours.subnet6}`,
        refused: `${theirs.subnet4}, ${theirs.subnet6}`,
      },
    )
  }

  /** @throws as `resolve`, without asking anybody */
  #require(ref: string): StoredVlan {
    const known = this.#find(ref)
    if ('info' in known) return known
    throw unknownHere(known.unknown)
  }

  #find(ref: string): StoredVlan | { readonly unknown: VlanId } {
    const named = [...this.#vlans.values()].filter(({ info }) => info.name === ref)
    if (named.length > 1)
      throw ambiguous(
        ref,
        named.map(({ info }) => info),
      )
    if (named[0] !== undefined) return named[0]
    if (!meansAnId(ref)) throw unknownName(ref)
    const id = parseVlanRef(ref)
    return this.#vlans.get(id) ?? { unknown: id }
  }

  async #fetch(id: VlanId, timeoutMs: number): Promise<VlanInfo> {
    this.#assertRoom()
    const vlan = await this.#ask(id, timeoutMs)
    if (!this.#vlans.has(id)) await this.#store(vlan)
    return vlan.info
  }

  #ask(id: VlanId, timeoutMs: number): Promise<StoredVlan> {
    const { clock, askPeers } = this.#init
    const waiting = this.#waiting.get(id) ?? new Set()
    this.#waiting.set(id, waiting)
    const timers: Timer[] = []
    return new Promise<StoredVlan>((resolve, reject) => {
      const done = (): void => {
        for (const timer of timers) timer.cancel()
        waiting.delete(settle)
        if (waiting.size === 0) this.#waiting.delete(id)
      }
      const settle = (vlan: StoredVlan): void => {
        done()
        resolve(vlan)
      }
      waiting.add(settle)
      timers.push(
        clock.setInterval(() => askPeers(vlanIdToBytes(id)), ASK_AGAIN_MS),
        clock.setTimeout(() => {
          done()
          reject(notFound(id))
        }, timeoutMs),
      )
      askPeers(vlanIdToBytes(id))
    })
  }

  async #store(vlan: StoredVlan): Promise<void> {
    const before = this.#vlans.get(vlan.id)
    this.#vlans.set(vlan.id, vlan)
    try {
      await this.#init.save([...this.#vlans.values()].map(toState))
    } catch (error) {
      // Unless a still newer one came while this one was being written.
      if (this.#vlans.get(vlan.id) === vlan) {
        if (before === undefined) this.#vlans.delete(vlan.id)
        else this.#vlans.set(vlan.id, before)
      }
      throw error
    }
  }

  #assertRoom(): void {
    if (this.#vlans.size >= MAX_VLANS) throw directoryFull(MAX_VLANS)
  }

  /** Null, and counted, where the record does not hold. The key of an own VLAN stays with it. */
  #verifiedFromPeer(id: VlanId, encoded: Uint8Array): StoredVlan | null {
    const privateKey = this.#vlans.get(id)?.privateKey ?? null
    try {
      const vlan = verifiedVlan(encoded, privateKey, this.#init.clock.wallMs())
      if (vlan.id === id) return vlan
    } catch (error) {
      if (!(error instanceof WakunetError)) throw error
    }
    this.recordsRefused++
    return null
  }
}

function sameSubnets(a: VlanInfo, b: VlanInfo): boolean {
  return a.subnet4 === b.subnet4 && a.subnet6 === b.subnet6
}

/** Wider than the shape of an id: one with a character too few is a typing error, not an unknown name. */
function meansAnId(ref: string): boolean {
  return /^(v[a-z2-7]{20,}|[0-9a-f]{30,34})$/i.test(ref)
}
