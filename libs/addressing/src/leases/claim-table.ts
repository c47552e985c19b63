import { compareIds } from '@wakunet/gossip'
import { AddressIndex } from './address-index.ts'
import { compareAddresses } from './address-order.ts'
import type { AddressSpace } from './address-space.ts'
import { type Claim, compareClaims } from './claim-order.ts'
import type { Lease } from './lease.ts'

/** Claims in all: of 256 members that use up what they may have, and then some. */
export const DEFAULT_MAX_CLAIMS = 65_536

export interface ClaimTableInit {
  readonly space: AddressSpace
  /** 32 random bits. */
  readonly hashSeed: number
  /** Another claim counts for this address now, or another lease of the same owner; null for none. */
  readonly onWinner: (address: Uint8Array, before: Claim | null, after: Claim | null) => void
  readonly maxClaims?: number
}

/** Several claims to one address. Most have one, which stands for itself. */
class Contest {
  readonly address: Uint8Array
  readonly claims: readonly Claim[]

  /** @param claims two at least, the one that counts first */
  constructor(claims: readonly Claim[]) {
    this.address = claims[0]!.address
    this.claims = claims
  }
}

/** Everything that members claim, and which claim counts for each address. */
export class ClaimTable {
  /** Claims that were left out because the table was full. */
  refused = 0
  readonly #onWinner: ClaimTableInit['onWinner']
  readonly #maxClaims: number
  readonly #byAddress: AddressIndex<Claim | Contest>
  #space: AddressSpace
  #size = 0

  constructor({ space, hashSeed, onWinner, maxClaims }: ClaimTableInit) {
    this.#space = space
    this.#onWinner = onWinner
    this.#maxClaims = maxClaims ?? DEFAULT_MAX_CLAIMS
    this.#byAddress = new AddressIndex(hashSeed)
  }

  get size(): number {
    return this.#size
  }

  /** Takes over another plan: what counts may be something else now. */
  setSpace(space: AddressSpace): void {
    const before = this.#space
    this.#space = space
    for (const entry of [...this.#byAddress]) {
      const winner = winnerIn(entry, before)
      const claims = claimsIn(entry)
      this.#put(entry.address, claims)
      this.#tell(entry.address, winner)
    }
  }

  /**
   * Everything that a member claims, in place of what it claimed before. Claims are kept, and must not be changed.
   * @param before what was given for it the last time; both ascending by address, each once
   */
  replace(before: readonly Claim[], after: readonly Claim[]): void {
    let old = 0
    for (const claim of after) {
      while (old < before.length && compareAddresses(before[old]!.address, claim.address) < 0)
        this.#change(before[old++]!, null)
      const known = before[old]
      if (known !== undefined && compareAddresses(known.address, claim.address) === 0) old++
      this.#change(claim, claim)
    }
    while (old < before.length) this.#change(before[old++]!, null)
  }

  /** Puts the claim of an owner to an address in place of the one it had; null for none. */
  #change({ address, owner }: Claim, after: Claim | null): void {
    const entry = this.#byAddress.get(address)
    if (entry === null) {
      if (after !== null) this.#addFirst(after)
      return
    }
    const claims = claimsIn(entry)
    const known = claims.find((claim) => compareIds(claim.owner, owner) === 0) ?? null
    if (known === null && (after === null || !this.#mayAdd())) return
    if (known !== null && after !== null && sameLease(known, after)) return
    this.#size += (after === null ? 0 : 1) - (known === null ? 0 : 1)
    const winner = winnerIn(entry, this.#space)
    const others = claims.filter((claim) => claim !== known)
    this.#put(address, after === null ? others : [...others, after])
    this.#tell(address, winner)
  }

  /** To most addresses there is one claim. */
  #addFirst(claim: Claim): void {
    if (!this.#mayAdd()) return
    this.#size++
    this.#byAddress.set(claim)
    if (this.#space.isHost(claim.address)) this.#onWinner(claim.address, null, claim)
  }

  #mayAdd(): boolean {
    if (this.#size < this.#maxClaims) return true
    this.refused++
    return false
  }

  #put(address: Uint8Array, claims: readonly Claim[]): void {
    if (claims.length === 0) this.#byAddress.delete(address)
    else if (claims.length === 1) this.#byAddress.set(claims[0]!)
    else {
      const isReserved = (claim: Claim) => this.#space.isReservedFor(claim)
      this.#byAddress.set(new Contest([...claims].sort((a, b) => compareClaims(a, b, isReserved))))
    }
  }

  #tell(address: Uint8Array, before: Claim | null): void {
    const after = winnerIn(this.#byAddress.get(address), this.#space)
    if (before !== after) this.#onWinner(address, before, after)
  }

  /** The claim that counts for an address, or null. */
  winnerOf(address: Uint8Array): Claim | null {
    return winnerIn(this.#byAddress.get(address), this.#space)
  }

  claimsOf(address: Uint8Array): readonly Claim[] {
    return claimsIn(this.#byAddress.get(address))
  }

  /** One claim for each address that has one which counts. */
  *winners(): Generator<Claim> {
    for (const entry of this.#byAddress) {
      const winner = winnerIn(entry, this.#space)
      if (winner !== null) yield winner
    }
  }
}

const NO_CLAIMS: readonly Claim[] = []

function claimsIn(entry: Claim | Contest | null): readonly Claim[] {
  if (entry === null) return NO_CLAIMS
  return entry instanceof Contest ? entry.claims : [entry]
}

function winnerIn(entry: Claim | Contest | null, space: AddressSpace): Claim | null {
  if (entry === null || !space.isHost(entry.address)) return null
  return entry instanceof Contest ? entry.claims[0]! : entry
}

function sameLease(a: Lease, b: Lease): boolean {
  return (
    a.kind === b.kind &&
    a.sinceMs === b.sinceMs &&
    a.hostname === b.hostname &&
    compareAddresses(a.mac, b.mac) === 0
  )
}
