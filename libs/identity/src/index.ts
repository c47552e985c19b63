/**
 * Who is who: ids of nodes and VLANs out of their public keys, the text that people type for a VLAN, and the
 * signed record of a VLAN (docs/protocols/vlan-record.md). Pure: keys and time are arguments.
 */
export { domainNameFault } from './domain-name.ts'
export { hostFault, ipv4Fault, serverAddressFault } from './host-address.ts'
export * from './ids.ts'
export * from './interface-name.ts'
export {
  MAX_PEER_HINT_ADDRESSES,
  MAX_PEER_HINTS,
  type PeerHint,
  peerAddressFault,
  peerHintsSchema,
  peerIdFault,
} from './peer-hint.ts'
export { peekDocument } from './signed-document.ts'
export * from './vlan-key.ts'
export * from './vlan-link.ts'
export * from './vlan-name.ts'
export {
  type AddressPool,
  type AddressReservation,
  clientMacFault,
  clientText,
  DEFAULT_LEASE_SECONDS,
  type GrantedPriority,
  MAX_LEASE_SECONDS,
  MAX_PRIORITIES,
  MAX_PRIORITY,
  MAX_RESERVATIONS,
  MAX_SERVERS,
  MAX_TAG_VIDS,
  MAX_VID,
  MIN_LEASE_SECONDS,
  PRIORITY_STEP,
  VLAN_PLAN_FIELDS,
  type VlanClient,
  type VlanPlan,
  type VlanTags,
  vlanPlanShape,
} from './vlan-plan.ts'
export {
  MAX_PUBLICATION_MS,
  VLAN_PRESENTATION_FIELDS,
  type VlanPresentation,
  vlanIconFault,
} from './vlan-presentation.ts'
export {
  decodeVlanRecord,
  MAX_VLAN_RECORD_BYTES,
  signVlanRecord,
  type VerifiedVlanRecord,
} from './vlan-record.ts'
export * from './vlan-record-edit.ts'
export type { VlanRecord, VlanRecordFields } from './vlan-record-fields.ts'
export * from './vlan-ref.ts'
export * from './vlan-withdrawal.ts'
