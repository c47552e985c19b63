import { WakunetError } from '@wakunet/interface'

/** Bytes of a MAC address. */
export const MAC_BYTES = 6

const MAC_TEXT = /^[0-9a-f]{2}(:[0-9a-f]{2}){5}$/i
const HALF = 0x1000000

/** Text form of the six bytes at `offset`: lower case, colons. */
export function macToString(bytes: Uint8Array, offset = 0): string {
  let text = ''
  for (let i = 0; i < MAC_BYTES; i++) {
    text += (i === 0 ? '' : ':') + (bytes[offset + i] ?? 0).toString(16).padStart(2, '0')
  }
  return text
}

/**
 * The six bytes of a MAC address written with colons, in either case.
 * @throws WakunetError `ERR_ADDRESS_INVALID`
 */
export function macFromString(text: string): Uint8Array {
  if (!MAC_TEXT.test(text)) {
    throw new WakunetError(
      'ERR_ADDRESS_INVALID',
      `${JSON.stringify(text.slice(0, 64))} is not a MAC address; write six pairs of hexadecimal digits with colons, for example 02:00:5e:10:00:01`,
    )
  }
  return Uint8Array.from(text.split(':'), (pair) => Number.parseInt(pair, 16))
}

/** The six bytes at `offset` as one 48-bit integer: a key for tables that costs no object per frame. */
export function readMac(bytes: Uint8Array, offset: number): number {
  const high = (bytes[offset]! << 16) | (bytes[offset + 1]! << 8) | bytes[offset + 2]!
  const low = (bytes[offset + 3]! << 16) | (bytes[offset + 4]! << 8) | bytes[offset + 5]!
  return high * HALF + low
}

/** Writes what `readMac` returned. */
export function writeMac(bytes: Uint8Array, offset: number, mac: number): void {
  const high = Math.floor(mac / HALF)
  const low = mac % HALF
  bytes[offset] = high >>> 16
  bytes[offset + 1] = high >>> 8
  bytes[offset + 2] = high
  bytes[offset + 3] = low >>> 16
  bytes[offset + 4] = low >>> 8
  bytes[offset + 5] = low
}

/** Group address: the I/G bit of IEEE 802-2014 §8.2.2. The broadcast address is one. */
export function isMulticastMac(bytes: Uint8Array, offset = 0): boolean {
  return (bytes[offset]! & 1) === 1
}

export function isBroadcastMac(bytes: Uint8Array, offset = 0): boolean {
  for (let i = 0; i < MAC_BYTES; i++) if (bytes[offset + i] !== 0xff) return false
  return true
}

/** Set by whoever runs the network, not by a manufacturer: the U/L bit of IEEE 802-2014 §8.2.2. */
export function isLocalMac(bytes: Uint8Array, offset = 0): boolean {
  return (bytes[offset]! & 2) === 2
}
