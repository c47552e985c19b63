import { blake3 } from '@noble/hashes/blake3.js'
import { concatBytes, utf8ToBytes } from '@noble/hashes/utils.js'
import { ID_BYTES, type VlanId, WakunetError } from '@wakunet/interface'
import { encode, rfc8949EncodeOptions } from 'cborg'
import { z } from 'zod'
import { decodeBase32, encodeBase32 } from './base32.ts'
import { fault } from './fault.ts'
import { vlanIdFromBytes, vlanIdToBytes } from './ids.ts'
import { type PeerHint, peerHintsSchema } from './peer-hint.ts'
import { decodeDeterministic } from './signed-document.ts'
import { vlanNameFault } from './vlan-name.ts'

/** An invitation: which VLAN, and where to begin to look for it (docs/protocols/directory.md, "Links"). */
export interface VlanLink {
  readonly id: VlanId
  /** What the VLAN was called when the link was made; a claim, its record decides. */
  readonly name: string
  /** Claims: whoever answers must have the peer id. */
  readonly peers: readonly PeerHint[]
  /** What admits to a private VLAN; absent for open ones. */
  readonly secret?: Uint8Array
}

/** Of a link as text. */
export const MAX_VLAN_LINK_LENGTH = 4_096
export const MAX_LINK_SECRET_BYTES = 64

const PREFIX = 'wakunet://vlan/'
const VERSION = 1
const CHECKSUM_BYTES = 4
const CHECKSUM_CONTEXT = utf8ToBytes('wakunet vlan link v1')
const MIN_SECRET_BYTES = 16

const bytes = z.instanceof(Uint8Array)
const schema = z.strictObject({
  id: bytes.refine((id) => id.length === ID_BYTES, { message: `must have ${ID_BYTES} bytes` }),
  name: z.string().check(fault(vlanNameFault)),
  peers: peerHintsSchema.exactOptional(),
  secret: bytes
    .refine((secret) => secret.length >= MIN_SECRET_BYTES && secret.length <= MAX_LINK_SECRET_BYTES, {
      message: 'has a wrong size',
    })
    .exactOptional(),
})

/** The link as text, in lower case; in upper case it means the same, and a QR code of it is smaller. */
export function formatVlanLink({ id, name, peers, secret }: VlanLink): string {
  const map = encode(
    {
      id: vlanIdToBytes(id),
      name,
      ...(peers.length === 0 ? {} : { peers }),
      ...(secret === undefined ? {} : { secret }),
    },
    rfc8949EncodeOptions,
  )
  const body = concatBytes(Uint8Array.of(VERSION), map)
  return PREFIX + encodeBase32(concatBytes(body, checksumOf(body)))
}

/** Whether a text claims to be a link. */
export function looksLikeVlanLink(text: string): boolean {
  return /^\s*wakunet:/i.test(text)
}

/**
 * Reads what `formatVlanLink` wrote, in either case, with space around it.
 * @throws WakunetError `ERR_VLAN_LINK_INVALID`, the only way to fail
 */
export function parseVlanLink(text: string): VlanLink {
  if (text.length > MAX_VLAN_LINK_LENGTH) throw invalid(`has ${text.length} characters`)
  const lower = text.trim().toLowerCase()
  if (!lower.startsWith(PREFIX)) throw invalid(`must begin with ${PREFIX}`)
  const all = decodeBase32(lower.slice(PREFIX.length))
  if (all === null || all.length <= 1 + CHECKSUM_BYTES)
    throw invalid('is cut off or has a typing error: copy it again, whole')
  const body = all.subarray(0, -CHECKSUM_BYTES)
  const checksum = checksumOf(body)
  if (!all.subarray(-CHECKSUM_BYTES).every((byte, i) => byte === checksum[i]))
    throw invalid('is cut off or has a typing error, its checksum does not fit: copy it again, whole')
  if (body[0] !== VERSION)
    throw invalid(`has version ${body[0]}, and this program knows version ${VERSION}: is a newer one needed?`)
  return linkOf(body.subarray(1))
}

function linkOf(map: Uint8Array): VlanLink {
  const decoded = decodeDeterministic(map)
  if ('fault' in decoded) throw invalid('is no link of this version')
  const fields = schema.safeParse(decoded.value)
  if (!fields.success) {
    const issue = fields.error.issues[0]
    throw invalid(`says what no link may: ${issue?.path.join('.') ?? ''} ${issue?.message ?? ''}`)
  }
  const { id, name, peers = [], secret } = fields.data
  return { id: vlanIdFromBytes(id), name, peers, ...(secret === undefined ? {} : { secret }) }
}

function checksumOf(body: Uint8Array): Uint8Array {
  return blake3(body, { context: CHECKSUM_CONTEXT, dkLen: CHECKSUM_BYTES })
}

function invalid(what: string): WakunetError {
  return new WakunetError('ERR_VLAN_LINK_INVALID', `the link of a VLAN ${what}`)
}
