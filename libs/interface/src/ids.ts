/**
 * Identity of a node on wires and in tables: BLAKE3-128 of its raw Ed25519 public key (32 bytes), as 32
 * lower-case hexadecimal digits. `@wakunet/identity` derives, parses and checks it.
 */
export type NodeId = string & { readonly __nodeId: unique symbol }

/** Identity of a VLAN: BLAKE3-128 of the VLAN's Ed25519 public key, as 32 lower-case hexadecimal digits. */
export type VlanId = string & { readonly __vlanId: unique symbol }

/** Bytes of a node id or VLAN id on the wire. */
export const ID_BYTES = 16

/**
 * What a node is beside a regular host. A node is never both a gateway and a blockchain node (DESIGN.md 2).
 */
export const NODE_ROLES = ['regular', 'gateway', 'chain'] as const
export type NodeRole = (typeof NODE_ROLES)[number]
