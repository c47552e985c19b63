/**
 * Icons of VLANs: what an icon may be, found out from its bytes alone (docs/protocols/vlan-record.md, "Icons"). Nothing is
 * decompressed, rendered or executed here; an icon that passes has no script, no reference and no place to hide other data.
 */
export { type CheckedIcon, checkIcon, type IconFault, MAX_ICON_BYTES, MAX_ICON_SIDE } from './icon.ts'
