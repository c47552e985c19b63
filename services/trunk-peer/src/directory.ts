import { defaultSubnet4, formatCidr, networkOf, parseCidr, ulaPrefix } from '@wakunet/addressing'
import type { RequestOf, VlanInfo } from '@wakunet/bus'
import {
  createVlanKey,
  decodeVlanRecord,
  formatVlanRef,
  parseVlanRef,
  signVlanRecord,
  vlanIdFromBytes,
  vlanIdFromPublicKey,
  vlanIdToBytes,
} from '@wakunet/identity'
import { type Clock, type Timer, type VlanId, WakunetError } from '@wakunet/interface'

const DEFAULT_MTU = 1400
const DEFAULT_TIMEOUT_MS = 10_000
const MAX_VLANS = 1_024
/** Asks peers again while somebody waits: they may just have connected. */
const ASK_AGAIN_MS = 1_000

/** A VLAN whose record was verified. The private key is there where this node made the VLAN. */
interface StoredVlan {
  readonly encoded: Uint8Array
  readonly privateKey: Uint8Array | null
  readonly info: VlanInfo
}

/** What is written to disk for each VLAN; base64. */
export interface VlanStateEntry {
  readonly record: string
  readonly privateKey: string | null
}

export interface DirectoryInit {
  readonly clock: Clock
  readonly random: (bytes: number) => Uint8Array
  /** Asks every peer that has a trunk for a record. */
  readonly askPeers: (vlan: Uint8Array) => void
  /** Writes the whole state; resolves when it is on disk. */
  readonly save: (entries: readonly VlanStateEntry[]) => Promise<void>
}

/**
 * The VLAN records that this node knows: those that it made, and those that it was asked to resolve and got from peers.
 * Nothing enters that was not asked for, so that a peer cannot fill it.
 */
export class Directory {
  readonly #init: DirectoryInit
  readonly #vlans = new Map<VlanId, StoredVlan>()
  readonly #waiting = new Map<VlanId, Set<(vlan: StoredVlan) => void>>()
  /** Records from peers that did not hold. */
  recordsRefused = 0

  constructor(init: DirectoryInit) {
    this.#init = init
  }

  /** Takes in what was saved. @throws WakunetError `ERR_VLAN_RECORD_INVALID` where an entry does not verify */
  load(entries: readonly VlanStateEntry[]): void {
    for (const { record, privateKey } of entries) {
      const vlan = this.#verified(
        Buffer.from(record, 'base64'),
        privateKey === null ? null : Buffer.from(privateKey, 'base64'),
      )
      this.#vlans.set(vlan.info.id as VlanId, vlan)
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

  async create(request: RequestOf<'directory.create'>): Promise<VlanInfo> {
    this.#assertRoom()
    const { privateKey, publicKey } = createVlanKey(this.#init.random(32))
    const id = vlanIdFromPublicKey(publicKey)
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
        issuedAtMs: this.#init.clock.wallMs(),
      },
      privateKey,
    )
    const vlan = this.#verified(encoded, privateKey)
    await this.#store(vlan)
    return vlan.info
  }

  /**
   * The VLAN that people mean: an id with or without checksum, or a name.
   * @throws WakunetError `ERR_VLAN_ID_INVALID`, `ERR_VLAN_NOT_FOUND`, `ERR_VLAN_NAME_AMBIGUOUS`
   */
  async resolve(ref: string, timeoutMs = DEFAULT_TIMEOUT_MS): Promise<VlanInfo> {
    const named = this.list().filter(({ name }) => name === ref)
    if (named.length > 1) throw ambiguous(ref, named)
    if (named[0] !== undefined) return named[0]
    if (!meansAnId(ref)) throw unknownName(ref)
    const id = parseVlanRef(ref)
    const known = this.#vlans.get(id)
    return known?.info ?? this.#fetch(id, timeoutMs)
  }

  /** A peer's answer to a request of ours; dropped unless somebody waits for exactly this VLAN. */
  receive(vlanBytes: Uint8Array, encoded: Uint8Array | null): void {
    const id = vlanIdFromBytes(vlanBytes)
    const waiting = this.#waiting.get(id)
    if (waiting === undefined || encoded === null) return
    try {
      const vlan = this.#verified(encoded, null)
      if (vlan.info.id !== id) throw new WakunetError('ERR_VLAN_RECORD_INVALID', 'record of another VLAN')
      for (const settle of waiting) settle(vlan)
    } catch {
      this.recordsRefused++
    }
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
    this.#vlans.set(vlan.info.id as VlanId, vlan)
    try {
      await this.#init.save([...this.#vlans.values()].map(toState))
    } catch (error) {
      this.#vlans.delete(vlan.info.id as VlanId)
      throw error
    }
  }

  #assertRoom(): void {
    if (this.#vlans.size >= MAX_VLANS) {
      throw new WakunetError('ERR_DIRECTORY_FULL', `this node already knows ${MAX_VLANS} VLANs, its limit`)
    }
  }

  #verified(encoded: Uint8Array, privateKey: Uint8Array | null): StoredVlan {
    const record = decodeVlanRecord(encoded, this.#init.clock.wallMs())
    return {
      encoded,
      privateKey,
      info: {
        id: record.id,
        ref: formatVlanRef(record.id),
        name: record.name,
        description: record.description,
        policy: record.policy,
        subnet4: record.subnet4,
        subnet6: record.subnet6,
        mtu: record.mtu,
        sequence: record.sequence,
        owned: privateKey !== null,
        encoded: Buffer.from(encoded).toString('base64'),
      },
    }
  }
}

function toState({ encoded, privateKey }: StoredVlan): VlanStateEntry {
  return {
    record: Buffer.from(encoded).toString('base64'),
    privateKey: privateKey === null ? null : Buffer.from(privateKey).toString('base64'),
  }
}

/** Wider than the shape of an id: one with a character too few is a typing error, not an unknown name. */
function meansAnId(ref: string): boolean {
  return /^(v[a-z2-7]{20,}|[0-9a-f]{30,34})$/i.test(ref)
}

function notFound(id: VlanId): WakunetError {
  return new WakunetError(
    'ERR_VLAN_NOT_FOUND',
    `no peer with a trunk to this node knows VLAN ${formatVlanRef(id)}: see 'wakunet peers', and connect to a member of it (--bootstrap)`,
  )
}

function unknownName(name: string): WakunetError {
  return new WakunetError(
    'ERR_VLAN_NOT_FOUND',
    `no VLAN named '${name}' is known here: give its id (on a member: 'wakunet vlan list'), or make it with 'wakunet vlan create'`,
  )
}

function ambiguous(name: string, vlans: readonly VlanInfo[]): WakunetError {
  return new WakunetError(
    'ERR_VLAN_NAME_AMBIGUOUS',
    `${vlans.length} VLANs are named '${name}': give the id of the one you mean: ${vlans.map(({ ref }) => ref).join(', ')}`,
  )
}
