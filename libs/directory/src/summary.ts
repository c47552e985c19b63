import { blake3 } from '@noble/hashes/blake3.js'
import { utf8ToBytes } from '@noble/hashes/utils.js'
import { vlanIdFromBytes, vlanIdToBytes } from '@wakunet/identity'
import type { VlanId } from '@wakunet/interface'
import { BUCKETS, DIGEST_BYTES, ENTRY_BYTES } from './limits.ts'
import type { ListingClaim } from './listing.ts'
import type { ListingStore } from './listing-store.ts'

const CONTEXT = utf8ToBytes('wakunet directory digest v1')
const ID_BYTES = 16

/** The first six bits of an id. */
export function bucketOf(id: VlanId): number {
  return Number.parseInt(id.slice(0, 2), 16) >> 2
}

/** What this store holds of one bucket: id and order of each listing, by id. At most `MAX_INVENTORY_ENTRIES`. */
export function inventoryOf(store: ListingStore, bucket: number): Uint8Array {
  const ids = [...store.idsOf(bucket)].sort()
  const bytes = new Uint8Array(ids.length * ENTRY_BYTES)
  const view = new DataView(bytes.buffer)
  for (const [i, id] of ids.entries()) {
    const { sequence, vlan } = store.get(id)!
    bytes.set(vlanIdToBytes(id), i * ENTRY_BYTES)
    view.setBigUint64(i * ENTRY_BYTES + ID_BYTES, BigInt(sequence) * 2n + (vlan === null ? 1n : 0n))
  }
  return bytes
}

/** The claims of an inventory; those that no listing can have are left out. */
export function readInventory(entries: Uint8Array): ListingClaim[] {
  const view = new DataView(entries.buffer, entries.byteOffset, entries.byteLength)
  const claims: ListingClaim[] = []
  for (let at = 0; at + ENTRY_BYTES <= entries.length; at += ENTRY_BYTES) {
    const order = view.getBigUint64(at + ID_BYTES)
    const sequence = Number(order >> 1n)
    if (sequence === 0 || !Number.isSafeInteger(sequence)) continue
    claims.push({
      id: vlanIdFromBytes(entries.subarray(at, at + ID_BYTES)),
      sequence,
      isWithdrawal: (order & 1n) === 1n,
    })
  }
  return claims
}

/** A digest of each bucket, one behind the other; zeros for an empty one. Made again for buckets that have changed alone. */
export class Summary {
  readonly #store: ListingStore
  readonly #versions = new Array<number>(BUCKETS).fill(0)
  readonly #digests = new Uint8Array(BUCKETS * DIGEST_BYTES)

  constructor(store: ListingStore) {
    this.#store = store
  }

  /** Good until the store changes. */
  get digests(): Uint8Array {
    for (let bucket = 0; bucket < BUCKETS; bucket++) {
      const version = this.#store.versionOf(bucket)
      if (this.#versions[bucket] === version) continue
      this.#versions[bucket] = version
      this.#digests.set(this.#digest(bucket), bucket * DIGEST_BYTES)
    }
    return this.#digests
  }

  #digest(bucket: number): Uint8Array {
    const inventory = inventoryOf(this.#store, bucket)
    if (inventory.length === 0) return new Uint8Array(DIGEST_BYTES)
    return blake3(inventory, { context: CONTEXT, dkLen: DIGEST_BYTES })
  }
}

/** The digest of one bucket as text, for comparison. */
export function digestOf(digests: Uint8Array, bucket: number): string {
  let text = ''
  for (const byte of digests.subarray(bucket * DIGEST_BYTES, (bucket + 1) * DIGEST_BYTES))
    text += byte.toString(16).padStart(2, '0')
  return text
}
