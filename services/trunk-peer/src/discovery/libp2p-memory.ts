import type { PeerId } from '@libp2p/interface'
import { BoundedDatastore, type SpaceLimits } from './bounded-datastore.ts'

const MIB = 1024 * 1024

/** `/dht/provider/<key>/<peer id>` */
const providerKey = (key: string): string => key.split('/')[3] ?? ''
const providerPeer = (key: string): string => key.split('/')[4] ?? ''

const SPACES: readonly SpaceLimits[] = [
  { prefix: '/peers/', entries: 4_096, bytes: 8 * MIB, entryBytes: 16_384 },
  // The largest VLAN record, with its key and time.
  { prefix: '/dht/record/', entries: 4_096, bytes: 16 * MIB, entryBytes: 33_280 },
  {
    prefix: '/dht/provider/',
    entries: 16_384,
    bytes: MIB,
    entryBytes: 16,
    groups: [
      { of: providerKey, entries: 128 },
      { of: providerPeer, entries: 256 },
    ],
  },
  { prefix: '/', entries: 256, bytes: MIB / 4, entryBytes: 16_384 },
]

/** The memory of a libp2p host; what it knows of itself never makes room. */
export function libp2pMemory(self: PeerId): BoundedDatastore {
  const own = [self.toString(), self.toCID().toString()]
  return new BoundedDatastore(SPACES, (key) => own.some((name) => key.endsWith(`/${name}`)))
}
