/**
 * Which peers a node remembers, dials and tells others of, and which trunks it keeps when it may not keep all
 * (`docs/protocols/discovery.md`). What is decided here is decided among strangers who may all be one: nothing that a peer says of itself
 * gets it more than a share. Pure and clocked from outside.
 */
export * from './known-peer.ts'
export * from './network-group.ts'
export * from './peer-store.ts'
export * from './trunk-limiter.ts'
