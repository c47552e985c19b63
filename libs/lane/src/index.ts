/**
 * The frame lane: whole messages in order between the services of a host, over three transports with the
 * same behaviour. docs/protocols/lane.md describes the bytes.
 */
export * from './config.ts'
export { createLanePair, type LanePairInit } from './in-process.ts'
export { NatsLaneClient, type NatsLaneClientInit } from './nats-client.ts'
export { NatsLaneServer, type NatsLaneServerInit, type NatsLaneServerStats } from './nats-server.ts'
export { natsLaneClientPermissions, natsLaneServerPermissions } from './nats-wire.ts'
export { UnixLaneClient, type UnixLaneClientInit } from './unix-client.ts'
export { type LaneServerStats, UnixLaneServer, type UnixLaneServerInit } from './unix-server.ts'
