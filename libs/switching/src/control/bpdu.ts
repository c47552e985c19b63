import { readU16, readU32, writeU16, writeU32 } from '@wakunet/record'
import { CONTROL_BPDU, CONTROL_VERSION } from './message.ts'

/** Bridge id: priority (2 bytes) and node id (16 bytes); the lower one is better. */
export const BRIDGE_ID_BYTES = 18
export const BPDU_BYTES = 58

/** Hello time counts in 1/256 s (IEEE 802.1D-2004 §9.2.8). */
export const BPDU_TIME_UNIT_MS = 1000 / 256

/** Range of the max age, in bridges (802.1D-2004 table 17-1 has 6 to 40 seconds). */
export const MIN_MAX_AGE = 6
export const MAX_MAX_AGE = 64

export type BpduRole = 'alternate' | 'root' | 'designated'

/** What one port says to the port at the other end of its link. */
export interface ControlBpdu {
  /** Role of the sending port; a backup port says that it is an alternate. */
  readonly role: BpduRole
  readonly topologyChange: boolean
  readonly proposal: boolean
  readonly learning: boolean
  readonly forwarding: boolean
  /** Bridges between the root and the sender. */
  readonly messageAge: number
  readonly maxAge: number
  readonly helloMs: number
  readonly rootPathCost: number
  /** 18 bytes each. */
  readonly rootId: Uint8Array
  readonly bridgeId: Uint8Array
  readonly portId: number
  /** Number of the sender's promise. */
  readonly number: number
  /** The neighbour's number that is agreed to; 0 for no agreement. */
  readonly agreedNumber: number
}

const FLAG = {
  topologyChange: 0x01,
  proposal: 0x02,
  learning: 0x10,
  forwarding: 0x20,
  agreement: 0x40,
} as const
const ROLE_SHIFT = 2
const ROLES = [null, 'alternate', 'root', 'designated'] as const

/** Writes a BPDU as a control message. The caller owns the values: they are not checked. */
export function encodeControlBpdu(bpdu: ControlBpdu): Uint8Array {
  const bytes = new Uint8Array(BPDU_BYTES)
  bytes[0] = CONTROL_BPDU
  bytes[1] = CONTROL_VERSION
  bytes[2] = flagsOf(bpdu)
  bytes[3] = bpdu.messageAge
  bytes[4] = bpdu.maxAge
  writeU16(bytes, 6, Math.max(1, Math.round(bpdu.helloMs / BPDU_TIME_UNIT_MS)))
  writeU32(bytes, 8, bpdu.rootPathCost)
  bytes.set(bpdu.rootId, 12)
  bytes.set(bpdu.bridgeId, 30)
  writeU16(bytes, 48, bpdu.portId)
  writeU32(bytes, 50, bpdu.number)
  writeU32(bytes, 54, bpdu.agreedNumber)
  return bytes
}

function flagsOf(bpdu: ControlBpdu): number {
  return (
    (bpdu.topologyChange ? FLAG.topologyChange : 0) |
    (bpdu.proposal ? FLAG.proposal : 0) |
    (ROLES.indexOf(bpdu.role) << ROLE_SHIFT) |
    (bpdu.learning ? FLAG.learning : 0) |
    (bpdu.forwarding ? FLAG.forwarding : 0) |
    (bpdu.agreedNumber === 0 ? 0 : FLAG.agreement)
  )
}

/** Reads the BPDU that fills `length` bytes from `offset`; null for anything that a sender must not say. */
export function decodeControlBpdu(
  bytes: Uint8Array,
  offset = 0,
  length = bytes.length - offset,
): ControlBpdu | null {
  if (length !== BPDU_BYTES || offset + length > bytes.length) return null
  if (bytes[offset] !== CONTROL_BPDU || bytes[offset + 1] !== CONTROL_VERSION) return null
  const flags = bytes[offset + 2]!
  const role = ROLES[(flags >> ROLE_SHIFT) & 3]!
  const maxAge = bytes[offset + 4]!
  const hello = readU16(bytes, offset + 6)
  const number = readU32(bytes, offset + 50)
  const agreedNumber = readU32(bytes, offset + 54)
  if (role === null || !flagsAgree(flags, role) || bytes[offset + 5] !== 0) return null
  if (maxAge < MIN_MAX_AGE || maxAge > MAX_MAX_AGE || hello === 0 || number === 0) return null
  if (((flags & FLAG.agreement) !== 0) !== (agreedNumber !== 0)) return null
  return {
    role,
    topologyChange: (flags & FLAG.topologyChange) !== 0,
    proposal: (flags & FLAG.proposal) !== 0,
    learning: (flags & FLAG.learning) !== 0,
    forwarding: (flags & FLAG.forwarding) !== 0,
    messageAge: bytes[offset + 3]!,
    maxAge,
    helloMs: hello * BPDU_TIME_UNIT_MS,
    rootPathCost: readU32(bytes, offset + 8),
    rootId: bytes.slice(offset + 12, offset + 30),
    bridgeId: bytes.slice(offset + 30, offset + 48),
    portId: readU16(bytes, offset + 48),
    number,
    agreedNumber,
  }
}

function flagsAgree(flags: number, role: BpduRole): boolean {
  if ((flags & 0x80) !== 0) return false
  if ((flags & FLAG.forwarding) !== 0 && (flags & FLAG.learning) === 0) return false
  if (role === 'designated') return (flags & FLAG.agreement) === 0
  return (flags & FLAG.proposal) === 0
}
