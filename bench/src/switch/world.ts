import { ID_BYTES } from '@wakunet/interface'
import { BOOT_NONCE_BYTES } from '@wakunet/record'
import { randomOf } from './random.ts'

/** A member of the VLAN. */
export interface Station {
  /** 16 bytes. */
  readonly id: Uint8Array
  /** 8 bytes. */
  readonly bootNonce: Uint8Array
  /** Of its TAP, a 48-bit integer. */
  readonly mac: number
  /** Index in `World.others` of the member with the trunk to this node that leads there. */
  readonly via: number
}

/** A MAC address that was learned, behind a member. */
export interface LearnedAddress {
  readonly mac: number
  /** Index in `World.others`. */
  readonly member: number
}

/** A VLAN as one of its switches knows it. */
export interface World {
  readonly vlanId: Uint8Array
  readonly self: Station
  readonly others: readonly Station[]
  /** The first so many of the others have a trunk to this node; the rest are behind them. */
  readonly direct: number
  /** Besides the members' own addresses. */
  readonly learned: readonly LearnedAddress[]
}

export const MAX_DIRECT = 32
const LEARNED_MAC_BASE = 0x06_00_00_00_00_00
const SELF_SEED = 1
const OTHERS_SEED = 1000

/** @param members of the VLAN, this node included, at least 2 */
export function createWorld(members: number, fdbEntries: number): World {
  const direct = Math.min(members - 1, MAX_DIRECT)
  const others = Array.from({ length: members - 1 }, (_, index) =>
    stationOf(OTHERS_SEED + index, index % direct),
  )
  const learned = Array.from({ length: fdbEntries }, (_, index) => ({
    mac: LEARNED_MAC_BASE + index * 257,
    member: index % others.length,
  }))
  return {
    vlanId: new Uint8Array(ID_BYTES).fill(0x77),
    self: stationOf(SELF_SEED, 0),
    others,
    direct,
    learned,
  }
}

/** The MAC address of a station follows from its id, as everywhere. */
export function macOf(id: Uint8Array): number {
  let mac = 0x02
  for (let i = 0; i < 5; i++) mac = mac * 256 + id[i]!
  return mac
}

function stationOf(seed: number, via: number): Station {
  const random = randomOf(seed)
  const id = Uint8Array.from({ length: ID_BYTES }, () => random() & 0xff)
  const bootNonce = Uint8Array.from({ length: BOOT_NONCE_BYTES }, () => random() & 0xff)
  return { id, bootNonce, mac: macOf(id), via }
}
