/** Types of the messages in a control record (`docs/protocols/vlan-control.md`). */
export const CONTROL_BPDU = 1
export const CONTROL_LINK_STATE = 2
export const CONTROL_MULTICAST_REPORT = 3
export const CONTROL_LEASE_GOSSIP = 4

/** Version of every type that is defined so far. */
export const CONTROL_VERSION = 1

/** Bytes before what is the type's own: type and version. */
export const CONTROL_HEADER_BYTES = 2
