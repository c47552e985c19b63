import { MAC_BYTES, macToString, writeMac } from '@wakunet/ethernet'

/**
 * True for 01-80-C2-00-00-00 to 01-80-C2-00-00-0F, which no bridge forwards: spanning tree, pause, LACP,
 * 802.1X, LLDP (IEEE 802.1D-2004 table 7-10, IEEE 802.1Q-2022 table 8-1).
 */
export function isReservedMac(bytes: Uint8Array, offset: number): boolean {
  return (
    bytes[offset] === 0x01 &&
    bytes[offset + 1] === 0x80 &&
    bytes[offset + 2] === 0xc2 &&
    bytes[offset + 3] === 0 &&
    bytes[offset + 4] === 0 &&
    (bytes[offset + 5]! & 0xf0) === 0
  )
}

/** Text form of a MAC address as tables have it: one 48-bit integer. */
export function formatMac(mac: number): string {
  const bytes = new Uint8Array(MAC_BYTES)
  writeMac(bytes, 0, mac)
  return macToString(bytes)
}
