import { ID_BYTES } from '@wakunet/interface'

/**
 * The envelope of a record on the lane between vlan-switch and trunk-peer (`docs/protocols/lane.md`):
 *
 * ```text
 *   u8 n (1 to 255), n × 16-byte node id, record
 * ```
 *
 * Towards trunk-peer the ids are the peers that shall get the record; towards vlan-switch there is one, the
 * trunk peer that it came from.
 */
export const MAX_ENVELOPE_NODES = 255
export const MAX_ENVELOPE_BYTES = 1 + MAX_ENVELOPE_NODES * ID_BYTES

/** Bytes of an envelope for `count` nodes. */
export function envelopeBytes(count: number): number {
  return 1 + count * ID_BYTES
}

/**
 * Writes an envelope for `nodeIds[from]` up to `nodeIds[to - 1]`, 1 to 255 of them, at `offset`.
 * @returns the offset behind it
 */
export function writeEnvelope(
  bytes: Uint8Array,
  offset: number,
  nodeIds: readonly Uint8Array[],
  from = 0,
  to = nodeIds.length,
): number {
  bytes[offset] = to - from
  let at = offset + 1
  for (let i = from; i < to; i++) {
    bytes.set(nodeIds[i]!, at)
    at += ID_BYTES
  }
  return at
}

/** An envelope of its own, as the first part of a lane message. */
export function encodeEnvelope(nodeIds: readonly Uint8Array[]): Uint8Array {
  if (nodeIds.length === 0 || nodeIds.length > MAX_ENVELOPE_NODES)
    throw new RangeError(`an envelope names 1 to ${MAX_ENVELOPE_NODES} nodes, not ${nodeIds.length}`)
  const bytes = new Uint8Array(envelopeBytes(nodeIds.length))
  writeEnvelope(bytes, 0, nodeIds)
  return bytes
}

/** Where the parts of a lane message are. Id `i` is at `1 + i * ID_BYTES`. Reused by its owner. */
export interface Envelope {
  nodeCount: number
  /** Where the record starts. */
  recordOffset: number
}

/** Reads the envelope of a lane message; false where the message is too short for what it says, or names nobody. */
export function decodeEnvelope(message: Uint8Array, out: Envelope): boolean {
  const count = message[0]
  if (count === undefined || count === 0) return false
  const recordOffset = envelopeBytes(count)
  if (message.length < recordOffset) return false
  out.nodeCount = count
  out.recordOffset = recordOffset
  return true
}

/** Where id `index` of a message's envelope is. */
export function envelopeNodeOffset(index: number): number {
  return 1 + index * ID_BYTES
}
