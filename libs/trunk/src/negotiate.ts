import type { Hello } from './control-message.ts'
import {
  type CloseCode,
  DEFAULT_HEARTBEAT_MS,
  MAX_HEARTBEAT_MS,
  MAX_RECORD_LIMIT_BYTES,
  MIN_HEARTBEAT_MS,
  MIN_RECORD_LIMIT_BYTES,
} from './protocol.ts'

/** What two hellos come to. */
export interface Agreement {
  readonly version: number
  readonly maxRecordBytes: number
  readonly heartbeatMs: number
  readonly capabilities: ReadonlySet<string>
}

export type Negotiation =
  | { readonly agreed: Agreement }
  | { readonly refused: CloseCode; readonly message: string }

/** Settles two hellos; both sides come to the same result. */
export function negotiate(ours: Hello, theirs: Hello): Negotiation {
  const version = Math.max(-1, ...ours.versions.filter((v) => theirs.versions.includes(v)))
  if (version < 0) {
    return refused(
      'version',
      `no common version: ${ours.versions.join(', ')} here, ${theirs.versions.join(', ')} there`,
    )
  }
  if (contradicts(ours.role) || contradicts(theirs.role)) {
    return refused('role', 'a node is a gateway or a blockchain node, never both')
  }
  if (theirs.maxRecordBytes < MIN_RECORD_LIMIT_BYTES || ours.maxRecordBytes < MIN_RECORD_LIMIT_BYTES) {
    return refused('limit', `records of ${MIN_RECORD_LIMIT_BYTES} bytes must be possible`)
  }
  return {
    agreed: {
      version,
      maxRecordBytes: Math.min(ours.maxRecordBytes, theirs.maxRecordBytes, MAX_RECORD_LIMIT_BYTES),
      heartbeatMs: clamp(Math.max(ours.heartbeatMs, theirs.heartbeatMs)),
      capabilities: new Set(ours.capabilities.filter((c) => theirs.capabilities.includes(c))),
    },
  }
}

/** DESIGN.md 2: enforced in configuration, on the host's bus, and here by every peer. */
function contradicts(role: Hello['role']): boolean {
  return role.includes('gateway') && role.includes('chain')
}

function refused(code: CloseCode, message: string): Negotiation {
  return { refused: code, message }
}

function clamp(heartbeatMs: number): number {
  return Math.min(MAX_HEARTBEAT_MS, Math.max(MIN_HEARTBEAT_MS, heartbeatMs || DEFAULT_HEARTBEAT_MS))
}
