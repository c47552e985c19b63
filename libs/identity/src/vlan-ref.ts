import { blake3 } from '@noble/hashes/blake3.js'
import { utf8ToBytes } from '@noble/hashes/utils.js'
import { ID_BYTES, type VlanId, WakunetError } from '@wakunet/interface'
import { decodeBase32, encodeBase32, findForeignCharacter } from './base32.ts'
import { vlanIdFromBytes, vlanIdToBytes } from './ids.ts'

/** Length of the text: `v` and base32 of id and checksum. */
export const VLAN_REF_LENGTH = 30

const CHECKSUM_BYTES = 2
const CHECKSUM_CONTEXT = utf8ToBytes('wakunet vlan ref v1')
const BARE_ID = /^[0-9a-f]{32}$/
const RIGHT_FORM = `a VLAN id has ${VLAN_REF_LENGTH} characters, a v and then letters a to z and digits 2 to 7, like vaaisem2ekvthpcezvk54zxpo745f2, or is 32 hexadecimal digits`

/** A VLAN id as people pass it on and type it: with a checksum that finds a slip. */
export function formatVlanRef(id: VlanId): string {
  const bytes = vlanIdToBytes(id)
  const all = new Uint8Array(ID_BYTES + CHECKSUM_BYTES)
  all.set(bytes)
  all.set(checksumOf(bytes), ID_BYTES)
  return `v${encodeBase32(all)}`
}

/**
 * Reads what `formatVlanRef` wrote, in either case, or the 32 hexadecimal digits of the id.
 * @throws WakunetError `ERR_VLAN_ID_INVALID` that says what is wrong and shows the right form
 */
export function parseVlanRef(text: string): VlanId {
  const lower = text.toLowerCase()
  if (BARE_ID.test(lower)) return lower as VlanId
  if (!lower.startsWith('v')) throw invalid(text, 'does not begin with v')
  const foreign = findForeignCharacter(lower.slice(1))
  if (foreign !== null) {
    throw invalid(
      text,
      `has ${JSON.stringify(foreign.character)} as character ${foreign.index + 2}, which no id contains`,
    )
  }
  if (lower.length !== VLAN_REF_LENGTH) throw invalid(text, `has ${lower.length} characters`)
  const bytes = decodeBase32(lower.slice(1))
  if (bytes === null) throw invalid(text, 'has a typing error in its last character')
  const id = bytes.subarray(0, ID_BYTES)
  const checksum = checksumOf(id)
  if (bytes[ID_BYTES] !== checksum[0] || bytes[ID_BYTES + 1] !== checksum[1]) {
    throw invalid(text, 'has a typing error: its checksum does not fit')
  }
  return vlanIdFromBytes(id)
}

/** Whether a text has the shape of a VLAN id, in either form; says nothing about its checksum. */
export function looksLikeVlanRef(text: string): boolean {
  return /^(v[a-z2-7]{29}|[0-9a-f]{32})$/i.test(text)
}

function checksumOf(id: Uint8Array): Uint8Array {
  return blake3(id, { context: CHECKSUM_CONTEXT, dkLen: CHECKSUM_BYTES })
}

function invalid(text: string, what: string): WakunetError {
  return new WakunetError(
    'ERR_VLAN_ID_INVALID',
    `${JSON.stringify(text.slice(0, 64))} ${what}; ${RIGHT_FORM}`,
  )
}
