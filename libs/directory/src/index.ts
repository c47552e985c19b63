/**
 * The directory of published VLANs (docs/protocols/directory.md): a bounded store of signed listings, search in it, and how
 * nodes keep theirs equal. Pure and clocked from outside.
 */
export { DirectoryExchange } from './exchange.ts'
export { fold, skeletonOf } from './fold.ts'
export {
  DIRECTORY_PROTOCOL,
  MAX_DIRECTORY_UNIT_BYTES,
  MAX_QUERY_LENGTH,
  MAX_SEARCH_RESULTS,
} from './limits.ts'
export type { ListedVlan, Listing } from './listing.ts'
export { type ListingSource, ListingStore, OFFER_OUTCOMES } from './listing-store.ts'
export { type DirectoryMessage, decodeDirectoryMessage, encodeDirectoryMessage } from './messages.ts'
