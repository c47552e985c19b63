import type { VlanId } from '@wakunet/interface'

export type DhtMode = 'client' | 'server' | 'off'

export interface DhtOptions {
  /** Milliseconds after which what is known by then is the answer. Default 10,000. */
  readonly timeoutMs?: number
  readonly signal?: AbortSignal
}

export interface ProviderOptions extends DhtOptions {
  /** See `vlanProviderKey`. */
  readonly blind?: Uint8Array
}

/** A peer that says it is in a VLAN. Its addresses are claims. */
export interface FoundPeer {
  readonly peerId: string
  readonly addresses: readonly string[]
}

/** The distributed hash table. Nothing here throws because of the network: nobody there is nobody found. */
export interface Dht {
  readonly mode: DhtMode
  /** Peers in the routing table. */
  readonly size: number
  /**
   * Keeps a VLAN's record (`vlanRecordKey`) at the peers next to the key.
   * @returns how many peers hold it now
   * @throws Error where the record does not hold, or the key is not that of its VLAN
   */
  put(key: string, value: Uint8Array, options?: DhtOptions): Promise<number>
  /** The newest record that holds; null where none was found in time. */
  get(key: string, options?: DhtOptions): Promise<Uint8Array | null>
  /** Tells that this node is in a VLAN, and tells it again until `unprovide`. @returns how many peers were told */
  provide(vlan: VlanId, options?: ProviderOptions): Promise<number>
  unprovide(vlan: VlanId, options?: ProviderOptions): Promise<void>
  /** Peers that say they are in a VLAN, not this node itself; at most 64. */
  findProviders(vlan: VlanId, options?: ProviderOptions): Promise<FoundPeer[]>
}

/** Where the DHT is switched off. */
export const NO_DHT: Dht = {
  mode: 'off',
  size: 0,
  put: async () => 0,
  get: async () => null,
  provide: async () => 0,
  unprovide: async () => {},
  findProviders: async () => [],
}
