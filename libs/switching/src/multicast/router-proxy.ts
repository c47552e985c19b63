import {
  type GroupRecord,
  IGMP_V2_LEAVE,
  IGMP_V2_REPORT,
  IGMP_V3_REPORT,
  type IgmpQuery,
  MLD_V1_DONE,
  MLD_V1_REPORT,
  MLD_V2_REPORT,
  type MldQuery,
  RECORD_IS_EXCLUDE,
  RECORD_IS_INCLUDE,
  RECORD_TO_EXCLUDE,
  RECORD_TO_INCLUDE,
} from '@wakunet/ethernet'
import { AddressMap, compareAddresses } from '../address-map.ts'
import {
  ALL_ROUTERS4,
  ALL_ROUTERS6,
  igmpFrame,
  type MulticastSpeaker,
  mldFrame,
  REPORTS4,
  REPORTS6,
} from './group-frames.ts'
import type { SourceFilter } from './source-filter.ts'

export interface RouterProxyInit {
  readonly speaker: MulticastSpeaker
  readonly hashSeed: number
  /** What all other members want of a group. */
  readonly filterOf: (group: Uint8Array) => SourceFilter
  readonly groups: () => Iterable<{ readonly address: Uint8Array }>
  /** Sends an Ethernet frame to the TAP. */
  readonly toTap: (frame: Uint8Array) => void
}

/** A change is told so often, so that one loss does not matter (RFC 3376 §8.1). */
const CHANGE_REPORTS = 2
const CHANGE_INTERVAL_MS = 1_000
/** Groups whose report is pending; more are told all at once with the answer to a general query. */
const MAX_PENDING = 256
/** Bytes of records in one report, so that it fits any MTU from 1,280. */
const MAX_RECORD_BYTES = 1_120

interface Pending {
  readonly address: Uint8Array
  /** Told as changes, so many times more; 0 for the answer to a query. */
  changesLeft: number
  dueMs: number
}

/**
 * Speaks for the members of the VLAN to a multicast router on the TAP's side, as an IGMP/MLD proxy does (RFC 4605 §4.2):
 * answers its queries and reports changes. So reports and queries themselves never cross a trunk.
 */
export class RouterProxy {
  readonly #init: RouterProxyInit
  readonly #pending: AddressMap<Pending>
  /** Newest version that the routers understand, by family. */
  #version4: 2 | 3 = 3
  #version6: 1 | 2 = 2
  #general4Ms = Number.POSITIVE_INFINITY
  #general6Ms = Number.POSITIVE_INFINITY
  #dueMs = Number.POSITIVE_INFINITY

  constructor(init: RouterProxyInit) {
    this.#init = init
    this.#pending = new AddressMap(init.hashSeed)
  }

  get pending(): number {
    return this.#pending.size
  }

  /**
   * A query on the TAP's side; the answer comes within its response time.
   * @param random in [0, 1)
   */
  onQuery({ group, version, maxResponseMs }: IgmpQuery | MldQuery, random: number, nowMs: number): void {
    const dueMs = nowMs + maxResponseMs * random
    if (group.length === 4) this.#version4 = version === 3 ? 3 : 2
    else this.#version6 = version >= 2 ? 2 : 1
    if (group.every((byte) => byte === 0)) this.#setGeneral(group.length, dueMs)
    else this.#setPending(group, 0, dueMs)
  }

  /** What members want of this group has changed. */
  onChanged(group: Uint8Array, nowMs: number): void {
    this.#setPending(group, CHANGE_REPORTS, nowMs)
  }

  #setGeneral(addressBytes: number, dueMs: number): void {
    if (addressBytes === 4) this.#general4Ms = Math.min(this.#general4Ms, dueMs)
    else this.#general6Ms = Math.min(this.#general6Ms, dueMs)
    this.#dueMs = Math.min(this.#dueMs, dueMs)
  }

  #setPending(group: Uint8Array, changesLeft: number, dueMs: number): void {
    const known = this.#pending.get(group)
    if (known !== null) {
      known.changesLeft = Math.max(known.changesLeft, changesLeft)
      known.dueMs = Math.min(known.dueMs, dueMs)
    } else if (this.#pending.size >= MAX_PENDING) this.#setGeneral(group.length, dueMs)
    else this.#pending.add({ address: Uint8Array.from(group), changesLeft, dueMs })
    this.#dueMs = Math.min(this.#dueMs, dueMs)
  }

  get dueMs(): number {
    return this.#dueMs
  }

  tick(nowMs: number): void {
    if (nowMs < this.#dueMs) return
    if (nowMs >= this.#general4Ms) {
      this.#general4Ms = Number.POSITIVE_INFINITY
      this.#answer(4)
    }
    if (nowMs >= this.#general6Ms) {
      this.#general6Ms = Number.POSITIVE_INFINITY
      this.#answer(16)
    }
    this.#tellPending(nowMs)
    this.#dueMs = Math.min(this.#general4Ms, this.#general6Ms)
    for (const { dueMs } of this.#pending) this.#dueMs = Math.min(this.#dueMs, dueMs)
  }

  /** Everything that is wanted, in the current state (RFC 3376 §5.2). */
  #answer(addressBytes: 4 | 16): void {
    const records: GroupRecord[] = []
    for (const { address } of this.#init.groups()) {
      if (address.length !== addressBytes) continue
      const { exclude, sources } = this.#init.filterOf(address)
      records.push({ type: exclude ? RECORD_IS_EXCLUDE : RECORD_IS_INCLUDE, group: address, sources })
    }
    this.#send(records.sort((a, b) => compareAddresses(a.group, b.group)))
  }

  #tellPending(nowMs: number): void {
    const records: GroupRecord[] = []
    for (const pending of this.#pending) {
      if (pending.dueMs > nowMs) continue
      const record = this.#recordOf(pending)
      if (record !== null) records.push(record)
      pending.changesLeft--
      pending.dueMs = nowMs + CHANGE_INTERVAL_MS
      if (pending.changesLeft <= 0) this.#pending.delete(pending)
    }
    for (const bytes of [4, 16]) this.#send(records.filter(({ group }) => group.length === bytes))
  }

  #recordOf({ address, changesLeft }: Pending): GroupRecord | null {
    const { exclude, sources } = this.#init.filterOf(address)
    if (changesLeft > 0)
      return { type: exclude ? RECORD_TO_EXCLUDE : RECORD_TO_INCLUDE, group: address, sources }
    // RFC 3376 §5.2: nothing is answered for a group that nobody wants.
    if (!exclude && sources.length === 0) return null
    return { type: exclude ? RECORD_IS_EXCLUDE : RECORD_IS_INCLUDE, group: address, sources }
  }

  #send(records: readonly GroupRecord[]): void {
    const first = records[0]
    if (first === undefined) return
    const isOld = first.group.length === 4 ? this.#version4 === 2 : this.#version6 === 1
    if (isOld) for (const record of records) this.#sendOld(record)
    else for (const part of splitRecords(records)) this.#sendNew(part, first.group.length)
  }

  #sendNew(records: readonly GroupRecord[], addressBytes: number): void {
    const { speaker, toTap } = this.#init
    toTap(
      addressBytes === 4
        ? igmpFrame(speaker, REPORTS4, { type: IGMP_V3_REPORT, records })
        : mldFrame(speaker, REPORTS6, { type: MLD_V2_REPORT, records }),
    )
  }

  /** Older versions know no sources: a group is wanted or not. */
  #sendOld({ type, group, sources }: GroupRecord): void {
    const { speaker, toTap } = this.#init
    const isLeave = type === RECORD_TO_INCLUDE && sources.length === 0
    if (group.length === 4) {
      const message = { type: isLeave ? IGMP_V2_LEAVE : IGMP_V2_REPORT, group } as const
      toTap(igmpFrame(speaker, isLeave ? ALL_ROUTERS4 : group, message))
    } else {
      const message = { type: isLeave ? MLD_V1_DONE : MLD_V1_REPORT, group } as const
      toTap(mldFrame(speaker, isLeave ? ALL_ROUTERS6 : group, message))
    }
  }
}

/**
 * Reports that fit a frame. A record with more sources than that asks for all of them where it lists what is wanted, and
 * is cut where it lists what is not (RFC 3376 §4.2.16 for the latter).
 */
function splitRecords(records: readonly GroupRecord[]): GroupRecord[][] {
  const parts: GroupRecord[][] = []
  let room = 0
  for (const record of records) {
    const fitting = fitRecord(record)
    const bytes = 4 + fitting.group.length * (1 + fitting.sources.length)
    if (bytes > room) {
      parts.push([])
      room = MAX_RECORD_BYTES
    }
    parts.at(-1)!.push(fitting)
    room -= bytes
  }
  return parts
}

function fitRecord(record: GroupRecord): GroupRecord {
  const limit = Math.floor((MAX_RECORD_BYTES - 4) / record.group.length) - 1
  if (record.sources.length <= limit) return record
  switch (record.type) {
    case RECORD_IS_INCLUDE:
      return { ...record, type: RECORD_IS_EXCLUDE, sources: [] }
    case RECORD_TO_INCLUDE:
      return { ...record, type: RECORD_TO_EXCLUDE, sources: [] }
    default:
      return { ...record, sources: record.sources.slice(0, limit) }
  }
}
