/**
 * Domain names as labels on a wire (RFC 1035 §3.1), where DHCP, DHCPv6 and router advertisements have them. Text has no
 * final dot. Only names that survive the way to text and back are accepted: no label with a dot or an unprintable in it.
 */

/** RFC 1035 §2.3.4: labels and their lengths, with the final zero. */
export const MAX_DOMAIN_NAME_BYTES = 255
const MAX_LABEL_BYTES = 63
/** Two high bits set: a pointer to an earlier name (RFC 1035 §4.1.4). */
const POINTER = 0xc0

/** A name and where the next one starts. */
interface ParsedName {
  readonly name: string
  readonly end: number
}

/**
 * Decodes names that fill `bytes` from `offset`, one behind the other. Pointers may be followed where the field
 * allows compression (RFC 3397 §2: within the option itself).
 * @returns null where a name is cut, too long, empty, or has a pointer that does not lead back
 */
export function decodeDomainNames(
  bytes: Uint8Array,
  { offset = 0, compressed = false }: { readonly offset?: number; readonly compressed?: boolean } = {},
): string[] | null {
  const names: string[] = []
  for (let position = offset; position < bytes.length; ) {
    const parsed = readName(bytes, position, compressed)
    if (parsed === null || parsed.name === '') return null
    names.push(parsed.name)
    position = parsed.end
  }
  return names
}

/** The names one behind the other, without compression; null where one is no domain name. */
export function encodeDomainNames(names: readonly string[]): Uint8Array | null {
  const parts = names.map(encodeDomainName)
  return parts.includes(null) ? null : joinBytes(parts as Uint8Array[])
}

/** Labels and the final zero; null where the text is no domain name. A final dot is allowed. */
export function encodeDomainName(name: string): Uint8Array | null {
  const text = name.endsWith('.') ? name.slice(0, -1) : name
  if (text.length === 0 || text.length + 2 > MAX_DOMAIN_NAME_BYTES) return null
  const bytes = new Uint8Array(text.length + 2)
  let position = 0
  for (const label of text.split('.')) {
    if (label.length === 0 || label.length > MAX_LABEL_BYTES) return null
    bytes[position++] = label.length
    for (let i = 0; i < label.length; i++) {
      const code = label.charCodeAt(i)
      if (!isPrintable(code)) return null
      bytes[position++] = code
    }
  }
  return bytes
}

/** Reads one name; a name without its final zero at the end of the bytes is partial, and refused. */
function readName(bytes: Uint8Array, start: number, compressed: boolean): ParsedName | null {
  let text = ''
  let position = start
  let end = -1
  // Every pointer must lead before the place that the last one led to, so the walk ends.
  let floor = start
  for (;;) {
    const length = bytes[position]
    if (length === undefined) return null
    if (length === 0) return { name: text, end: end < 0 ? position + 1 : end }
    if ((length & POINTER) === POINTER) {
      if (!compressed || position + 1 >= bytes.length) return null
      const target = ((length & 0x3f) << 8) | bytes[position + 1]!
      if (target >= floor) return null
      if (end < 0) end = position + 2
      floor = target
      position = target
      continue
    }
    const label = readLabel(bytes, position, length)
    if (label === null) return null
    text = text === '' ? label : `${text}.${label}`
    if (text.length + 2 > MAX_DOMAIN_NAME_BYTES) return null
    position += 1 + length
  }
}

function readLabel(bytes: Uint8Array, position: number, length: number): string | null {
  if (length > MAX_LABEL_BYTES || position + 1 + length > bytes.length) return null
  let label = ''
  for (let i = 0; i < length; i++) {
    const code = bytes[position + 1 + i]!
    if (!isPrintable(code) || code === 0x2e) return null
    label += String.fromCharCode(code)
  }
  return label
}

/** ASCII without space and controls. */
function isPrintable(code: number): boolean {
  return code > 0x20 && code < 0x7f
}

export function joinBytes(parts: readonly Uint8Array[]): Uint8Array {
  const bytes = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0))
  let position = 0
  for (const part of parts) {
    bytes.set(part, position)
    position += part.length
  }
  return bytes
}
