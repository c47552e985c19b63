/**
 * The trunk between two nodes: wire format, negotiation and the stream path, as `docs/protocols/trunk.md`
 * writes them down. Who opens trunks, and when, is the business of `services/trunk-peer`.
 */
export * from './block-pool.ts'
export * from './connection-progress.ts'
export * from './control-message.ts'
export * from './control-stream.ts'
export * from './datagram/candidates.ts'
export * from './datagram/cipher-choice.ts'
export * from './datagram/datagram-path.ts'
export * from './datagram/key-exchange.ts'
export * from './datagram/mtu-search.ts'
export * from './datagram/path-finder.ts'
export * from './datagram/path-keys.ts'
export * from './datagram/path-message.ts'
export * from './failure-detector.ts'
export * from './negotiate.ts'
export * from './noise.ts'
export * from './protocol.ts'
export * from './record-queue.ts'
export * from './stream-path.ts'
export * from './unit-reader.ts'
export * from './yamux.ts'
