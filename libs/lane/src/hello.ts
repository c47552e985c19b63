import { WakunetError } from '@wakunet/interface'

/**
 * First message in each direction of a Unix lane: the client says who it is, the server that it is attached.
 *
 * ```text
 *    0         4         5         6              6 + n
 *    ├─────────┼─────────┼─────────┼──────────────┤
 *    │ "WKLN"  │ version │    n    │ name, ASCII  │
 *    └─────────┴─────────┴─────────┴──────────────┘
 * ```
 *
 * n is 1 to 64 from the client and 0 from the server. Trailing bytes make it invalid.
 */
const MAGIC = 0x574b4c4e
export const LANE_VERSION = 1
const HEADER_BYTES = 6
export const MAX_NAME_BYTES = 64
export const MAX_HELLO_BYTES = HEADER_BYTES + MAX_NAME_BYTES

const NAME = /^[A-Za-z0-9_-]{1,64}$/

/** Whether a client may be called so: 1 to 64 letters, digits, "_" or "-". */
export function isLaneName(name: string): boolean {
  return NAME.test(name)
}

/** @throws WakunetError `ERR_CONFIG_INVALID` where a client may not be called so */
export function checkLaneName(name: string): string {
  if (NAME.test(name)) return name
  throw new WakunetError(
    'ERR_CONFIG_INVALID',
    `the lane name ${JSON.stringify(name.slice(0, 80))} must be 1 to 64 letters, digits, "_" or "-"`,
  )
}

/** @param name checked; empty from the server */
export function encodeHello(name: string): Uint8Array {
  const bytes = new Uint8Array(HEADER_BYTES + name.length)
  new DataView(bytes.buffer).setUint32(0, MAGIC)
  bytes[4] = LANE_VERSION
  bytes[5] = name.length
  for (let i = 0; i < name.length; i++) bytes[HEADER_BYTES + i] = name.charCodeAt(i)
  return bytes
}

/** @returns the name, empty from a server; null where the bytes are no hello of this version */
export function decodeHello(bytes: Uint8Array): string | null {
  if (bytes.length < HEADER_BYTES || bytes.length > MAX_HELLO_BYTES) return null
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  if (view.getUint32(0) !== MAGIC || bytes[4] !== LANE_VERSION) return null
  if (bytes[5] !== bytes.length - HEADER_BYTES) return null
  const name = String.fromCharCode(...bytes.subarray(HEADER_BYTES))
  return name === '' || NAME.test(name) ? name : null
}
