/**
 * The frame lane: whole messages in order between the services of a host, over three transports with the
 * same behaviour. docs/protocols/lane.md describes the bytes.
 */
export { createLanePair, type LanePairInit } from './in-process.ts'
