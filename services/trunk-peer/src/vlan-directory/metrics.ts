import { OFFER_OUTCOMES } from '@wakunet/directory'
import type { MetricsRegistry } from '@wakunet/service-kit'
import type { TrunkPeer } from '../trunk-peer.ts'

/** Metrics of the directory of published VLANs. */
export function exposeVlanDirectoryMetrics(
  metrics: MetricsRegistry,
  { published }: Pick<TrunkPeer, 'published'>,
): void {
  metrics.countersBy(
    'wakunet_trunk_peer_listings_offered_total',
    'Listings from peers, the disk and this node, by what became of them: taken in (added, renewed, withdrawn), there already, or refused.',
    'outcome',
    OFFER_OUTCOMES,
    () => published.store.outcomes,
  )
  metrics.countersFrom(
    'wakunet_trunk_peer_vlan_directory',
    {
      evicted: 'Listings that gave way to those of smaller networks.',
      ended: 'Listings whose time was over.',
      summariesSent: 'Summaries sent to peers.',
      listingsSent: 'Listings sent to peers that asked.',
      listingsReceived: 'Listings that came from peers.',
      newsForwarded: 'Listings sent to peers unasked, because they were new.',
      searchesAnswered: 'Searches of peers that were answered.',
      unaskedDropped: 'Listings dropped: nobody had asked, and their peer was over its rate.',
      lineFull: 'Listings dropped: too many of their peer waited to be verified.',
      questionsDropped: 'Questions not answered, or not in full: their peer was over its rate.',
      strayAnswers: 'Answers to no question.',
      peersCutOff: 'Peers left out of the directory for a while: floods and forgeries.',
      malformedUnits: 'Streams of the directory ended because of what is no message.',
      publicationsSigned: 'Publications of this node that were signed anew in time.',
      hashTablePuts: 'Records put into the hash table.',
      hashTableFailures: 'Records that nobody in the hash table took.',
    },
    () => ({
      ...published.exchange.stats,
      evicted: published.store.evicted,
      ended: published.store.ended,
      malformedUnits: published.peers?.malformed ?? 0,
      publicationsSigned: published.publicationsSigned,
      hashTablePuts: published.table?.stored ?? 0,
      hashTableFailures: published.table?.failed ?? 0,
    }),
  )
  metrics.gaugesFrom(
    'wakunet_trunk_peer_vlan_directory',
    {
      listedEntries: 'Published VLANs and withdrawals in the store.',
      listingBytes: 'Bytes of them.',
      directoryPeers: 'Peers that the directory is exchanged with.',
      waitingEntries: 'Listings that wait to be verified.',
    },
    () => ({
      listedEntries: published.store.size,
      listingBytes: published.store.bytes,
      directoryPeers: published.exchange.peers,
      waitingEntries: published.exchange.waiting,
    }),
  )
}
