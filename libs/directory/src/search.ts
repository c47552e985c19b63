import { fold, wordsOf } from './fold.ts'
import type { ListedVlan, Listing } from './listing.ts'

const MAX_QUERY_WORDS = 8

/** Points of a match; the whole name counts for more than any words. */
const WHOLE_NAME = 1_000
const NAME_START = 500
const NAME_WORD = { whole: 40, start: 20, inside: 8 }
const DESCRIPTION_WORD = { whole: 6, start: 3, inside: 1 }
type Points = typeof NAME_WORD

/**
 * Listings that have every word of the query in their name or description, the best first; those of equal rank by name, then id. An
 * empty query finds all.
 */
export function searchListings(listings: Iterable<Listing>, query: string, limit: number): Listing[] {
  const folded = fold(query).trim()
  const words = wordsOf(folded, MAX_QUERY_WORDS)
  const found: { listing: Listing; vlan: ListedVlan; rank: number }[] = []
  for (const listing of listings) {
    const { vlan } = listing
    const rank = vlan === null ? 0 : rankOf(vlan, folded, words)
    if (vlan !== null && rank > 0) found.push({ listing, vlan, rank })
  }
  found.sort(
    (a, b) =>
      b.rank - a.rank || compare(a.vlan.foldedName, b.vlan.foldedName) || compare(a.listing.id, b.listing.id),
  )
  return found.slice(0, limit).map(({ listing }) => listing)
}

/** 0 where a word is missing. */
function rankOf(vlan: ListedVlan, folded: string, words: readonly string[]): number {
  // Emoji and the like are no words.
  if (words.length === 0) return folded === '' || vlan.foldedName.includes(folded) ? 1 : 0
  let rank = 0
  for (const word of words) {
    const points =
      pointsOf(vlan.nameWords, word, NAME_WORD) + pointsOf(vlan.descriptionWords, word, DESCRIPTION_WORD)
    if (points === 0) return 0
    rank += points
  }
  if (vlan.foldedName === folded) return rank + WHOLE_NAME
  return vlan.foldedName.startsWith(folded) ? rank + NAME_START : rank
}

function pointsOf(words: readonly string[], wanted: string, points: Points): number {
  let best = 0
  for (const word of words) {
    if (word === wanted) return points.whole
    if (word.startsWith(wanted)) best = points.start
    else if (best === 0 && word.includes(wanted)) best = points.inside
  }
  return best
}

/** By code units: the same everywhere. */
function compare(a: string, b: string): number {
  if (a === b) return 0
  return a < b ? -1 : 1
}
