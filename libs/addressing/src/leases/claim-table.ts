import { bytesToHex } from '@noble/hashes/utils.js'
import { keyOfId } from '@wakunet/gossip'
import { compareAddresses, keyOfAddress } from './address-order.ts'
import type { AddressSpace } from './address-space.ts'
import { type Claim, compareClaims } from './claim-order.ts'
import type { Lease } from './lease.ts'

/** Claims in all: of 256 members that use up what they may have, and then some. */
export const DEFAULT_MAX_CLAIMS = 65_536

export interface ClaimTableInit {
  readonly space: AddressSpace
  /** Another claim counts for this address now, or another lease of the same owner; null for none. */
  readonly onWinner: (address: Uint8Array, before: Claim | null, after: Claim | null) => void
  readonly maxClaims?: number
}

interface Slot {
  readonly address: Uint8Array
  claims: readonly Claim[]
  winner: Claim | null
}

interface Owner {
  readonly id: Uint8Array
  readonly text: string
  /** By the key of the address. */
  claims: Map<string, Claim>
}

/** Everything that members claim, and which claim counts for each address. */
export class ClaimTable {
  /** Claims that were left out because the table was full. */
  refused = 0
  readonly #onWinner: ClaimTableInit['onWinner']
  readonly #maxClaims: number
  readonly #slots = new Map<string, Slot>()
  readonly #owners = new Map<string, Owner>()
  #space: AddressSpace
  #size = 0

  constructor({ space, onWinner, maxClaims }: ClaimTableInit) {
    this.#space = space
    this.#onWinner = onWinner
    this.#maxClaims = maxClaims ?? DEFAULT_MAX_CLAIMS
  }

  get size(): number {
    return this.#size
  }

  /** Takes over another plan: what counts may be something else now. */
  setSpace(space: AddressSpace): void {
    this.#space = space
    for (const owner of this.#owners.values())
      this.replace(
        owner.id,
        [...owner.claims.values()].map(({ lease }) => lease),
      )
    for (const slot of this.#slots.values()) this.#decide(slot)
  }

  /** Everything that a member claims, in place of what it claimed before. */
  replace(id: Uint8Array, leases: readonly Lease[]): void {
    const key = keyOfId(id)
    const owner = this.#owners.get(key) ?? { id, text: bytesToHex(id), claims: new Map<string, Claim>() }
    this.#owners.set(key, owner)
    const before = owner.claims
    owner.claims = new Map()
    const changed = new Set<string>()
    for (const lease of leases) this.#claim(owner, lease, before, changed)
    for (const [address, claim] of before) {
      if (owner.claims.has(address)) continue
      this.#change(address, claim.lease.address, claim, null)
      this.#size--
      changed.add(address)
    }
    for (const address of changed) this.#decide(this.#slots.get(address)!)
    if (owner.claims.size === 0) this.#owners.delete(key)
  }

  #claim(owner: Owner, lease: Lease, before: ReadonlyMap<string, Claim>, changed: Set<string>): void {
    const address = keyOfAddress(lease.address)
    const isReserved = this.#space.isReservedFor(lease, owner.text)
    const known = before.get(address) ?? null
    if (known !== null && known.isReserved === isReserved && sameLease(known.lease, lease)) {
      owner.claims.set(address, known)
      return
    }
    if (known === null) {
      if (this.#size >= this.#maxClaims) {
        this.refused++
        return
      }
      this.#size++
    }
    const claim = { lease, owner: owner.id, isReserved }
    owner.claims.set(address, claim)
    this.#change(address, lease.address, known, claim)
    changed.add(address)
  }

  #change(key: string, address: Uint8Array, before: Claim | null, after: Claim | null): void {
    const slot = this.#slots.get(key) ?? { address, claims: [], winner: null }
    this.#slots.set(key, slot)
    const others = slot.claims.filter((claim) => claim !== before)
    slot.claims = after === null ? others : [...others, after]
  }

  #decide(slot: Slot): void {
    const before = slot.winner
    let winner: Claim | null = null
    if (this.#space.isHost(slot.address))
      for (const claim of slot.claims) if (winner === null || compareClaims(claim, winner) < 0) winner = claim
    slot.winner = winner
    if (slot.claims.length === 0) this.#slots.delete(keyOfAddress(slot.address))
    if (winner !== before) this.#onWinner(slot.address, before, winner)
  }

  /** Forgets a member. */
  remove(id: Uint8Array): void {
    this.replace(id, [])
  }

  leasesOf(id: Uint8Array): readonly Lease[] {
    const claims = this.#owners.get(keyOfId(id))?.claims
    return claims === undefined ? [] : [...claims.values()].map(({ lease }) => lease)
  }

  /** The claim that counts for an address, or null. */
  winnerOf(address: Uint8Array): Claim | null {
    return this.#slots.get(keyOfAddress(address))?.winner ?? null
  }

  claimsOf(address: Uint8Array): readonly Claim[] {
    return this.#slots.get(keyOfAddress(address))?.claims ?? []
  }

  /** One claim for each address that has one which counts. */
  *winners(): Generator<Claim> {
    for (const { winner } of this.#slots.values()) if (winner !== null) yield winner
  }
}

function sameLease(a: Lease, b: Lease): boolean {
  return (
    a.kind === b.kind &&
    a.sinceMs === b.sinceMs &&
    a.hostname === b.hostname &&
    compareAddresses(a.mac, b.mac) === 0
  )
}
