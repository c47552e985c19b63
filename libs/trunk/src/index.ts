/**
 * The trunk between two nodes: wire format, negotiation and the stream path, as `docs/protocols/trunk.md`
 * writes them down. Who opens trunks, and when, is the business of `services/trunk-peer`.
 */
export * from './block-pool.ts'
export * from './connection-progress.ts'
export * from './control-message.ts'
export * from './control-stream.ts'
export * from './failure-detector.ts'
export * from './negotiate.ts'
export * from './noise.ts'
export * from './protocol.ts'
export * from './record-queue.ts'
export * from './stream-path.ts'
export * from './unit-reader.ts'
export * from './yamux.ts'
