import { isInside, readUint16, readUint32, writeUint16, writeUint32 } from './numbers.ts'

/** Where real 802.1D bridges send BPDUs: 01-80-C2-00-00-00 (IEEE 802.1D-2004 table 7-10). */
export const BRIDGE_GROUP_MAC = 0x0180_c200_0000
/** LLC header in front of a BPDU: both SAPs 0x42, unnumbered information (IEEE 802.1D-2004 §7.12.3). */
export const BPDU_LLC_BYTES = 3
/** A bridge identifier: 16 bits of priority, then a MAC address (IEEE 802.1D-2004 §9.2.5). */
export const BRIDGE_ID_BYTES = 8

export const BPDU_CONFIGURATION = 0x00
export const BPDU_RAPID = 0x02
export const BPDU_TOPOLOGY_CHANGE = 0x80

/** Flags (IEEE 802.1D-2004 §9.3.3); a configuration BPDU has the first and the last only. */
export const BPDU_FLAG_TOPOLOGY_CHANGE = 0x01
export const BPDU_FLAG_PROPOSAL = 0x02
/** Two bits: unknown, alternate or backup, root, designated. */
export const BPDU_ROLE_SHIFT = 2
export const BPDU_FLAG_LEARNING = 0x10
export const BPDU_FLAG_FORWARDING = 0x20
export const BPDU_FLAG_AGREEMENT = 0x40
export const BPDU_FLAG_TOPOLOGY_ACKNOWLEDGE = 0x80

const HEADER_BYTES = 4
const CONFIGURATION_BYTES = 35
const RAPID_BYTES = 36
const RAPID_VERSION = 2
/** Times count 1/256 of a second (IEEE 802.1D-2004 §9.2.8). */
const TIME_UNIT_MS = 1000 / 256

/** What configuration and rapid BPDUs say. Ids have eight bytes and are views of the input when decoded. */
export interface BpduVector {
  readonly flags: number
  readonly rootId: Uint8Array
  readonly rootPathCost: number
  readonly bridgeId: Uint8Array
  readonly portId: number
  readonly messageAgeMs: number
  readonly maxAgeMs: number
  readonly helloMs: number
  readonly forwardDelayMs: number
}

export type Bpdu =
  | { readonly type: typeof BPDU_TOPOLOGY_CHANGE }
  | ({ readonly type: typeof BPDU_CONFIGURATION } & BpduVector)
  | ({ readonly type: typeof BPDU_RAPID } & BpduVector)

/**
 * Decodes the BPDU at `offset`, behind the LLC header. Validates as IEEE 802.1D-2004 §9.3.4 does: later versions are
 * read as the version that they extend, so that a multiple spanning tree BPDU is a rapid one, and what follows is
 * ignored. Whether the times make sense is for the state machines.
 * @returns null where it is cut off, or of another protocol or type
 */
export function decodeBpdu(
  bytes: Uint8Array,
  offset = 0,
  length: number = bytes.length - offset,
): Bpdu | null {
  if (!isInside(bytes, offset, length) || length < HEADER_BYTES || readUint16(bytes, offset) !== 0)
    return null
  const version = bytes[offset + 2]!
  const type = bytes[offset + 3]!
  if (type === BPDU_TOPOLOGY_CHANGE) return { type }
  if (type === BPDU_CONFIGURATION && length >= CONFIGURATION_BYTES)
    return { type, ...decodeVector(bytes, offset) }
  if (type === BPDU_RAPID && version >= RAPID_VERSION && length >= RAPID_BYTES)
    return { type, ...decodeVector(bytes, offset) }
  return null
}

/** The BPDU without LLC header. */
export function encodeBpdu(bpdu: Bpdu): Uint8Array {
  if (bpdu.type === BPDU_TOPOLOGY_CHANGE) return Uint8Array.of(0, 0, 0, BPDU_TOPOLOGY_CHANGE)
  const rapid = bpdu.type === BPDU_RAPID
  // The last byte of a rapid BPDU is the length of version 1 information, of which there is none (§9.3.3).
  const bytes = new Uint8Array(rapid ? RAPID_BYTES : CONFIGURATION_BYTES)
  bytes[2] = rapid ? RAPID_VERSION : 0
  bytes[3] = bpdu.type
  bytes[4] = bpdu.flags
  bytes.set(bpdu.rootId, 5)
  writeUint32(bytes, 13, bpdu.rootPathCost)
  bytes.set(bpdu.bridgeId, 17)
  writeUint16(bytes, 25, bpdu.portId)
  writeTime(bytes, 27, bpdu.messageAgeMs)
  writeTime(bytes, 29, bpdu.maxAgeMs)
  writeTime(bytes, 31, bpdu.helloMs)
  writeTime(bytes, 33, bpdu.forwardDelayMs)
  return bytes
}

/**
 * Where the BPDU starts in a frame whose LLC header is at `llcOffset`; 0 where the LLC header is another. Free of
 * allocations: it may run for every frame.
 */
export function bpduOffset(bytes: Uint8Array, llcOffset: number, end: number): number {
  if (llcOffset + BPDU_LLC_BYTES + HEADER_BYTES > end) return 0
  const isBpdu = bytes[llcOffset] === 0x42 && bytes[llcOffset + 1] === 0x42 && bytes[llcOffset + 2] === 0x03
  return isBpdu ? llcOffset + BPDU_LLC_BYTES : 0
}

function decodeVector(bytes: Uint8Array, offset: number): BpduVector {
  return {
    flags: bytes[offset + 4]!,
    rootId: bytes.subarray(offset + 5, offset + 13),
    rootPathCost: readUint32(bytes, offset + 13),
    bridgeId: bytes.subarray(offset + 17, offset + 25),
    portId: readUint16(bytes, offset + 25),
    messageAgeMs: readUint16(bytes, offset + 27) * TIME_UNIT_MS,
    maxAgeMs: readUint16(bytes, offset + 29) * TIME_UNIT_MS,
    helloMs: readUint16(bytes, offset + 31) * TIME_UNIT_MS,
    forwardDelayMs: readUint16(bytes, offset + 33) * TIME_UNIT_MS,
  }
}

function writeTime(bytes: Uint8Array, offset: number, ms: number): void {
  writeUint16(bytes, offset, Math.min(0xffff, Math.round(ms / TIME_UNIT_MS)))
}
