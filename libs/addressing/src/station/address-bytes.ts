/** Small questions about addresses of 4 or 16 bytes, and the MAC addresses of groups. */

export const ALL_NODES = Uint8Array.of(0xff, 2, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1)
export const BROADCAST_MAC = new Uint8Array(6).fill(0xff)

export function addressEquals(a: Uint8Array, b: Uint8Array): boolean {
  return a.length === b.length && a.every((byte, i) => byte === b[i])
}

/** 0.0.0.0 or ::. */
export function isUnspecified(address: Uint8Array): boolean {
  return address.every((byte) => byte === 0)
}

/** fe80::/10 (RFC 4291 §2.5.6). */
export function isLinkLocal6(address: Uint8Array): boolean {
  return address.length === 16 && address[0] === 0xfe && (address[1]! & 0xc0) === 0x80
}

/** Multicast of either family, and what is above it in IPv4. */
export function isGroupAddress(address: Uint8Array): boolean {
  return address.length === 4 ? address[0]! >= 224 : address[0] === 0xff
}

/** Whether the first bits of both are the same. */
export function sharesPrefix(address: Uint8Array, network: Uint8Array, prefixLength: number): boolean {
  if (address.length !== network.length) return false
  return address.every((byte, i) => {
    const bits = Math.min(8, Math.max(0, prefixLength - 8 * i))
    return ((byte ^ network[i]!) & (0xff00 >>> bits) & 0xff) === 0
  })
}

/** Where an IPv6 multicast goes on an Ethernet (RFC 2464 §7). */
export function groupMac6(group: Uint8Array): Uint8Array {
  return Uint8Array.of(0x33, 0x33, ...group.subarray(12))
}

/** ff02::1:ff and the last three bytes (RFC 4291 §2.7.1). */
export function solicitedNodeGroup(address: Uint8Array): Uint8Array {
  return Uint8Array.of(0xff, 2, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0xff, ...address.subarray(13))
}
