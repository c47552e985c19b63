/**
 * MAC addresses as exact 48-bit integers: what tables are keyed by.
 *
 * All offsets are checked by the caller: a frame has at least `MIN_FRAME_BYTES`.
 */

/** The MAC address at `offset` as an integer, first octet highest. */
export function macKey(bytes: Uint8Array, offset: number): number {
  return (
    ((bytes[offset]! << 8) | bytes[offset + 1]!) * 0x1_0000_0000 +
    (((bytes[offset + 2]! << 24) |
      (bytes[offset + 3]! << 16) |
      (bytes[offset + 4]! << 8) |
      bytes[offset + 5]!) >>>
      0)
  )
}

/** True for broadcast and multicast: the I/G bit of the first octet (IEEE 802-2014, 8.2). */
export function isGroupMac(bytes: Uint8Array, offset: number): boolean {
  return (bytes[offset]! & 1) === 1
}

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

/** `aa:bb:cc:dd:ee:ff` of an integer. */
export function macKeyToString(mac: number): string {
  return mac
    .toString(16)
    .padStart(12, '0')
    .replace(/..(?!$)/g, '$&:')
}
