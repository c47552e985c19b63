/**
 * The record: the unit that crosses lane and trunk, a header and a batch of Ethernet frames of one VLAN.
 * The layout is drawn in `docs/protocols/record.md`, the envelope around it on the lane in
 * `docs/protocols/lane.md`.
 *
 * Everything that runs per record or per frame works on caller-owned bytes and reused objects, and
 * allocates nothing but the views that a lane needs.
 */
export * from './decode.ts'
export * from './envelope.ts'
export * from './frame-header.ts'
export * from './header.ts'
export * from './id-map.ts'
export * from './ids.ts'
export * from './integers.ts'
export * from './writer.ts'
