import { checkNatsPrefix, type NatsPermissions } from '@wakunet/bus'
import { checkLaneName, isLaneName } from './hello.ts'

/**
 * The lane over NATS: subjects and control messages (docs/protocols/lane.md). A session is one attachment of
 * one client; its random id keeps what is still under way from an earlier one apart.
 *
 * ```text
 *   <prefix>.lane.up.<name>.<session>.hello | data | bye       client to server
 *   <prefix>.lane.down.<name>.<session>.welcome | data | bye   server to client
 * ```
 */
export const UP_KINDS = ['hello', 'data', 'bye'] as const
export const DOWN_KINDS = ['welcome', 'data', 'bye'] as const
export type UpKind = (typeof UP_KINDS)[number]
export type DownKind = (typeof DOWN_KINDS)[number]

/** How often the client says hello and is answered. */
export const HEARTBEAT_MS = 700
/** After this silence the other side is gone; looked at every heartbeat, so within 2,800 ms at the latest. */
export const SILENCE_MS = 2_100

const ID = /^[0-9a-f]{16}$/

export const upSubject = (prefix: string, name: string, session: string, kind: UpKind | '*'): string =>
  `${prefix}.lane.up.${name}.${session}.${kind}`

export const downSubject = (prefix: string, name: string, session: string, kind: DownKind | '*'): string =>
  `${prefix}.lane.down.${name}.${session}.${kind}`

/** What a subject of the direction `up` says; null where it is none of ours. */
export function parseUpSubject(
  prefix: string,
  subject: string,
): { name: string; session: string; kind: UpKind } | null {
  const [name, session, last, ...more] = subject.slice(`${prefix}.lane.up.`.length).split('.')
  const kind = UP_KINDS.find((known) => known === last)
  if (name === undefined || session === undefined || kind === undefined || more.length > 0) return null
  return isLaneName(name) && ID.test(session) ? { name, session, kind } : null
}

/** The last part of a subject of the direction `down`. */
export function parseDownKind(subject: string): DownKind | null {
  const last = subject.slice(subject.lastIndexOf('.') + 1)
  return DOWN_KINDS.find((known) => known === last) ?? null
}

const MAGIC = 'WKLN'
const VERSION = 1
/** In a hello: not attached yet. */
export const NO_SERVER = '0'.repeat(16)
const CONTROL_BYTES = 13

/**
 * Payload of hello and welcome: which server the sender is attached to, or is.
 *
 * ```text
 *   0        4         5            13
 *   ├────────┼─────────┼────────────┤
 *   │ "WKLN" │ version │ server id  │
 *   └────────┴─────────┴────────────┘
 * ```
 */
export function encodeControl(serverId: string): Uint8Array {
  const bytes = Buffer.alloc(CONTROL_BYTES)
  bytes.write(MAGIC, 'latin1')
  bytes[4] = VERSION
  bytes.write(serverId, 5, 'hex')
  return bytes
}

/** @returns the server id; null where the bytes are no control message of this version, exactly */
export function decodeControl(bytes: Uint8Array): string | null {
  const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  if (buffer.length !== CONTROL_BYTES || buffer[4] !== VERSION) return null
  return buffer.toString('latin1', 0, 4) === MAGIC ? buffer.toString('hex', 5) : null
}

/** A random id of a session or of a server. */
export function newId(): string {
  return Buffer.from(crypto.getRandomValues(new Uint8Array(8))).toString('hex')
}

/** What the credential of a lane client may do on NATS. */
export function natsLaneClientPermissions(prefix: string, name: string): NatsPermissions {
  checkNatsPrefix(prefix)
  checkLaneName(name)
  return {
    publish: { allow: [`${prefix}.lane.up.${name}.>`] },
    subscribe: { allow: [`${prefix}.lane.down.${name}.>`] },
    allowResponses: false,
  }
}

/** What the credential of a lane server may do on NATS, with any clients. */
export function natsLaneServerPermissions(prefix: string): NatsPermissions {
  checkNatsPrefix(prefix)
  return {
    publish: { allow: [`${prefix}.lane.down.>`] },
    subscribe: { allow: [`${prefix}.lane.up.>`] },
    allowResponses: false,
  }
}
