/**
 * Messages of peers in CBOR (RFC 8949): what a protocol may say as a schema, one form for every value, bounds before anything is read, and
 * one way to be refused. Pure.
 */
export * from './message-format.ts'
