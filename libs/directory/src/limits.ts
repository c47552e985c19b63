/** Numbers of `docs/protocols/directory.md`: first those of the protocol, then those of this implementation. */

export const DIRECTORY_PROTOCOL = '/wakunet/directory/1'
/** Largest unit behind its length. */
export const MAX_DIRECTORY_UNIT_BYTES = 65_536
export const BUCKETS = 64
export const DIGEST_BYTES = 8
/** Of an inventory: id and order. */
export const ENTRY_BYTES = 24
export const MAX_INVENTORY_ENTRIES = 2_048
export const MAX_REQUESTED_IDS = 64
export const MAX_QUERY_LENGTH = 128
export const MAX_SEARCH_RESULTS = 64
/** What a unit holds of listings, so that it stays under its limit. */
export const UNIT_LISTING_BYTES = 60_000

/** What one peer may have this node do: a bucket and its refill a second. */
export interface Rate {
  readonly burst: number
  readonly perSecond: number
}
export const MESSAGES: Rate = { burst: 512, perSecond: 64 }
/** Listings that nobody asked for: news. */
export const NEWS: Rate = { burst: 64, perSecond: 4 }
export const INVENTORIES: Rate = { burst: 128, perSecond: 4 }
export const SEARCHES: Rate = { burst: 8, perSecond: 1 }
/** Bytes of listings that are sent to a peer that asks. */
export const ANSWER_BYTES: Rate = { burst: 4 * 1_048_576, perSecond: 524_288 }
