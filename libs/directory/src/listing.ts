import { type CheckedIcon, checkIcon } from '@wakunet/icon'
import {
  decodeVlanRecord,
  decodeVlanWithdrawal,
  isVlanWithdrawal,
  MAX_PUBLICATION_MS,
  MAX_VLAN_RECORD_BYTES,
  peekDocument,
  vlanIdFromPublicKey,
} from '@wakunet/identity'
import { type VlanId, WakunetError } from '@wakunet/interface'
import { fold, skeletonOf, wordsOf } from './fold.ts'

/** What of a listing is searched and shown; the whole record is in `encoded`. */
export interface ListedVlan {
  readonly name: string
  readonly description: string
  readonly policy: string
  readonly subnet4: string
  /** Without its bytes; null where the record has none. */
  readonly icon: (CheckedIcon & { readonly bytes: number }) | null
  /** Folded. */
  readonly foldedName: string
  readonly skeleton: string
  readonly nameWords: readonly string[]
  readonly descriptionWords: readonly string[]
}

/** A published record, or the withdrawal of one: what the directory holds for each VLAN. Verified. */
export interface Listing {
  readonly id: VlanId
  readonly sequence: number
  /** Unix milliseconds at which it ends. */
  readonly untilMs: number
  readonly encoded: Uint8Array
  /** Null: it is a withdrawal. */
  readonly vlan: ListedVlan | null
}

/** Why a listing is refused. */
export const LISTING_REFUSALS = [
  'oversized',
  'malformed',
  'replayed',
  'forged',
  'expired',
  'unpublished',
] as const
export type ListingRefusal = (typeof LISTING_REFUSALS)[number]

/** Clocks of two hosts may differ by so much before a new publication seems to last too long. */
const CLOCK_SKEW_MS = 3_600_000
const MAX_WORDS = 64

/** What a listing claims to be; nothing is verified. Costs a fraction of `readListing`. */
export interface ListingClaim {
  readonly id: VlanId
  readonly sequence: number
  readonly isWithdrawal: boolean
}

/** @returns null where it has no form of a listing, or is too large for one */
export function peekListing(encoded: Uint8Array): ListingClaim | null {
  if (encoded.length > MAX_VLAN_RECORD_BYTES) return null
  const claim = peekDocument(encoded)
  if (claim === null || claim.publicKey.length !== 32) return null
  return {
    id: vlanIdFromPublicKey(claim.publicKey),
    sequence: claim.sequence,
    isWithdrawal: isVlanWithdrawal(encoded),
  }
}

/**
 * Verifies a listing from anywhere. Total.
 * @param nowMs Unix milliseconds
 */
export function readListing(encoded: Uint8Array, nowMs: number): Listing | ListingRefusal {
  if (encoded.length > MAX_VLAN_RECORD_BYTES) return 'oversized'
  try {
    return isVlanWithdrawal(encoded) ? readWithdrawal(encoded, nowMs) : readRecord(encoded, nowMs)
  } catch (error) {
    if (error instanceof WakunetError) return 'forged'
    throw error
  }
}

function readWithdrawal(encoded: Uint8Array, nowMs: number): Listing | ListingRefusal {
  // The signature first: what has ended and what is forged are counted apart.
  const { id, sequence, untilMs } = decodeVlanWithdrawal(encoded)
  if (untilMs <= nowMs) return 'expired'
  if (untilMs > nowMs + MAX_PUBLICATION_MS + CLOCK_SKEW_MS) return 'unpublished'
  return { id, sequence, untilMs, encoded, vlan: null }
}

function readRecord(encoded: Uint8Array, nowMs: number): Listing | ListingRefusal {
  const record = decodeVlanRecord(encoded, 0)
  const { id, sequence, publishedUntilMs: untilMs, expiresAtMs = Number.MAX_SAFE_INTEGER } = record
  if (untilMs === undefined || untilMs > nowMs + MAX_PUBLICATION_MS + CLOCK_SKEW_MS) return 'unpublished'
  if (Math.min(untilMs, expiresAtMs) <= nowMs) return 'expired'
  const { name, description, policy, subnet4, icon } = record
  const foldedName = fold(name)
  const vlan = {
    name,
    description,
    policy,
    subnet4,
    icon: icon === undefined ? null : sizeOf(icon),
    foldedName,
    skeleton: skeletonOf(name),
    nameWords: wordsOf(foldedName, MAX_WORDS),
    descriptionWords: wordsOf(fold(description), MAX_WORDS),
  }
  return { id, sequence, untilMs, encoded, vlan }
}

function sizeOf(icon: Uint8Array): ListedVlan['icon'] {
  const found = checkIcon(icon)
  return 'fault' in found ? null : { ...found, bytes: icon.length }
}

/** Whether the first takes the place of the second: a higher sequence, or the withdrawal of just that one. */
export function outranks(
  one: { readonly sequence: number; readonly isWithdrawal: boolean },
  other: Listing,
): boolean {
  if (one.sequence !== other.sequence) return one.sequence > other.sequence
  return one.isWithdrawal && other.vlan !== null
}
