import { isDeepStrictEqual } from 'node:util'
import { defaultSubnet4, formatCidr, networkOf, parseCidr, ulaPrefix } from '@wakunet/addressing'
import type { RequestOf, VlanInfo } from '@wakunet/bus'
import {
  createVlanKey,
  editedFields,
  parseVlanRef,
  signVlanRecord,
  signVlanWithdrawal,
  type VlanRecordFields,
  vlanIdFromPublicKey,
} from '@wakunet/identity'
import { type Clock, type Logger, type VlanId, WakunetError } from '@wakunet/interface'
import {
  ambiguous,
  directoryFull,
  lookalike,
  notOwned,
  unknownHere,
  unknownName,
} from './directory-errors.ts'
import { RecordRequests } from './record-requests.ts'
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
/** A publication lasts so long, docs/protocols/directory.md. */
const PUBLICATION_MS = 3 * 86_400_000

/** A published VLAN that a name may mean. */
export interface NamedVlan {
  readonly id: VlanId
  readonly ref: string
  readonly name: string
  readonly encoded: Uint8Array
}

export interface DirectoryInit {
  readonly clock: Clock
  readonly logger: Logger
  readonly random: (bytes: number) => Uint8Array
  /** Asks every peer that has a trunk for a record. */
  readonly askPeers: (vlan: VlanId) => void
  /** Looks for a record elsewhere; null where it is nowhere. */
  readonly lookUp: (vlan: VlanId) => Promise<Uint8Array | null>
  /** The record of a published VLAN that this node has heard of; null where it has not. */
  readonly publishedRecord: (vlan: VlanId) => Uint8Array | null
  /** Published VLANs whose name is the name, or may be taken for it. */
  readonly publishedByName: (name: string, timeoutMs: number) => Promise<readonly NamedVlan[]>
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
  readonly #requests: RecordRequests
  /** Records from peers that did not hold. */
  recordsRefused = 0
  /** Newer records of joined VLANs that were refused because their subnet is another. */
  subnetsRefused = 0
  /** Records that took the place of older ones. */
  recordsRenewed = 0

  constructor(init: DirectoryInit) {
    this.#init = init
    this.#requests = new RecordRequests({
      clock: init.clock,
      askPeers: init.askPeers,
      lookUp: init.lookUp,
      verified: (id, encoded) => this.#verifiedFromPeer(id, encoded),
    })
  }

  /**
   * Takes in what was saved. A VLAN of others whose record has expired is forgotten; one of this node's own stays, with its key.
   * @throws WakunetError `ERR_VLAN_RECORD_INVALID` where an entry does not verify
   */
  load(entries: readonly VlanStateEntry[]): void {
    const now = this.#init.clock.wallMs()
    for (const entry of entries) {
      const vlan = fromState(entry)
      const { expiresAtMs = Number.POSITIVE_INFINITY } = vlan.record
      if (expiresAtMs > now || vlan.privateKey !== null) this.#vlans.set(vlan.id, vlan)
      else
        this.#init.logger.warn('forgot a VLAN whose record has expired', {
          vlan: vlan.info.name,
          id: vlan.id,
        })
    }
  }

  list(): VlanInfo[] {
    return [...this.#vlans.values()].map(({ info }) => info)
  }

  all(): IterableIterator<StoredVlan> {
    return this.#vlans.values()
  }

  get(vlan: VlanId): StoredVlan | undefined {
    return this.#vlans.get(vlan)
  }

  /** The stored record of a VLAN, signed; null where none is. */
  recordOf(vlan: VlanId): Uint8Array | null {
    return this.#vlans.get(vlan)?.encoded ?? null
  }

  /** The signed record of a VLAN, for a peer that asks: stored, or published and heard of. */
  encodedRecord(vlan: VlanId): Uint8Array | null {
    return this.recordOf(vlan) ?? this.#init.publishedRecord(vlan)
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
        ...presentationOf(request),
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
    const fields = fieldsOf(stored)
    const { icon: _, ...others } = edit
    const edited = editedFields(fields, { ...others, ...presentationOf(edit) })
    return isDeepStrictEqual(edited, fields) ? stored.info : this.#sign(stored, edited)
  }

  /**
   * Lists a VLAN whose key is here in the directory for the next days, or no longer.
   * @throws WakunetError `ERR_VLAN_NOT_OWNED`, and what `resolve` throws
   */
  async setPublished(ref: string, published: boolean): Promise<VlanInfo> {
    const stored = this.#require(ref)
    const { publishedUntilMs, ...fields } = fieldsOf(stored)
    if (stored.privateKey === null) throw notOwned(stored.info)
    if (published) return this.#sign(stored, { ...fields, publishedUntilMs: 0 })
    return publishedUntilMs === undefined ? stored.info : this.#sign(stored, fields)
  }

  /** Takes back what was published of a VLAN whose key is here; null where it is not. */
  signWithdrawal(id: VlanId, untilMs: number): Uint8Array | null {
    const stored = this.#vlans.get(id)
    if (stored === undefined || stored.privateKey === null) return null
    return signVlanWithdrawal({ sequence: stored.info.sequence, untilMs }, stored.privateKey)
  }

  /**
   * The VLAN that people mean: an id with or without checksum, or a name. Names of stored VLANs come first, then those of
   * published ones: of these a name must be the only one of its kind.
   * @param keep whether it is stored
   * @throws WakunetError `ERR_VLAN_ID_INVALID`, `ERR_VLAN_NOT_FOUND`, `ERR_VLAN_NAME_AMBIGUOUS`
   */
  async resolve(ref: string, timeoutMs = DEFAULT_TIMEOUT_MS, keep = true): Promise<VlanInfo> {
    const known = this.#find(ref)
    if ('info' in known) return known.info
    if (keep) this.#assertRoom()
    const vlan =
      'name' in known ? await this.#byName(known.name, timeoutMs) : await this.#byId(known.unknown, timeoutMs)
    if (keep && !this.#vlans.has(vlan.id)) await this.#store(vlan)
    return vlan.info
  }

  /**
   * A peer's answer to a request of ours.
   * @returns false where nobody waits for this VLAN
   */
  receive(id: VlanId, encoded: Uint8Array | null): boolean {
    return this.#requests.receive(id, encoded)
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

  /** Signs the next record. One that is published is so for the next days, whatever the time was before. */
  async #sign({ privateKey, record }: StoredVlan, fields: VlanRecordFields): Promise<VlanInfo> {
    const issuedAtMs = this.#init.clock.wallMs()
    const { publishedUntilMs, expiresAtMs = Number.POSITIVE_INFINITY } = fields
    const publication =
      publishedUntilMs === undefined
        ? {}
        : { publishedUntilMs: Math.min(issuedAtMs + PUBLICATION_MS, expiresAtMs) }
    const next = { ...fields, ...publication, sequence: record.sequence + 1, issuedAtMs }
    const vlan = verifiedVlan(signVlanRecord(next, privateKey!), privateKey, issuedAtMs)
    await this.#replace(vlan)
    return vlan.info
  }

  /** @throws as `resolve`, without asking anybody */
  #require(ref: string): StoredVlan {
    const known = this.#find(ref)
    if ('info' in known) return known
    throw 'name' in known ? unknownName(known.name) : unknownHere(known.unknown)
  }

  #find(ref: string): StoredVlan | { readonly unknown: VlanId } | { readonly name: string } {
    const named = [...this.#vlans.values()].filter(({ info }) => info.name === ref)
    if (named.length > 1)
      throw ambiguous(
        ref,
        named.map(({ info }) => info),
      )
    if (named[0] !== undefined) return named[0]
    if (!meansAnId(ref)) return { name: ref }
    const id = parseVlanRef(ref)
    return this.#vlans.get(id) ?? { unknown: id }
  }

  async #byId(id: VlanId, timeoutMs: number): Promise<StoredVlan> {
    const published = this.#init.publishedRecord(id)
    const heard = published === null ? null : this.#verifiedFromPeer(id, published)
    return heard ?? this.#requests.ask(id, timeoutMs)
  }

  async #byName(name: string, timeoutMs: number): Promise<StoredVlan> {
    const named = await this.#init.publishedByName(name, timeoutMs)
    if (named.length > 1) throw ambiguous(name, named)
    const [only] = named
    if (only === undefined) throw unknownName(name)
    if (only.name.toLowerCase() !== name.normalize('NFC').toLowerCase()) throw lookalike(name, only)
    return this.#verifiedFromPeer(only.id, only.encoded) ?? this.#requests.ask(only.id, timeoutMs)
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

function fieldsOf({ record }: StoredVlan): VlanRecordFields {
  const { id: _, publicKey: __, ...fields } = record
  return fields
}

/** Of a request, where the icon is text. */
function presentationOf({ icon, gateways }: Pick<RequestOf<'directory.create'>, 'icon' | 'gateways'>) {
  return {
    ...(icon === undefined ? {} : { icon: new Uint8Array(Buffer.from(icon, 'base64')) }),
    ...(gateways === undefined ? {} : { gateways }),
  }
}

function sameSubnets(a: VlanInfo, b: VlanInfo): boolean {
  return a.subnet4 === b.subnet4 && a.subnet6 === b.subnet6
}

/** Wider than the shape of an id: one with a character too few is a typing error, not an unknown name. */
function meansAnId(ref: string): boolean {
  return /^(v[a-z2-7]{20,}|[0-9a-f]{30,34})$/i.test(ref)
}
