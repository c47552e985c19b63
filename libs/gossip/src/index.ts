/**
 * How the members of a VLAN keep one document of each of them: every document has an origin and a sequence, goes from
 * neighbour to neighbour over the trunks of the tree, and what was lost is found by digests
 * (`docs/protocols/vlan-control.md`, types 3 and 4). What a document says is its user's affair. Pure and clocked from
 * outside.
 */
export * from './exchange-init.ts'
export * from './held-document.ts'
export * from './messages.ts'
export * from './node-ids.ts'
export * from './origin-exchange.ts'
export * from './token-bucket.ts'
