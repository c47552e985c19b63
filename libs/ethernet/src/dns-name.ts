/**
 * Names of DNS messages (RFC 1035 §3.1, §4.1.4). A label can have any bytes, so text has the escapes of master files (RFC 1035 §5.1):
 * `\.`, `\\` and `\DDD`. Text has no final dot; the root is empty. Case is kept; `toLowerDnsName` makes names comparable.
 */

/** With lengths and the final zero (RFC 1035 §2.3.4). */
const MAX_NAME_BYTES = 255
const MAX_LABEL_BYTES = 63
/** Both high bits of a length: a pointer to an earlier name. One of them alone is reserved. */
const POINTER = 0xc0

export interface DnsName {
  readonly name: string
  /** Offset of the first byte behind the name, where it stands. */
  readonly end: number
}

/**
 * Reads the name at `at` of the message that fills `bytes` from `start`. Pointers count from `start`, and each must lead before
 * all that was read of the name, so that no loop exists.
 * @returns null where the name is cut, too long, or has a reserved label type or a pointer that does not lead back
 */
export function readDnsName(bytes: Uint8Array, at: number, start = 0, stop = bytes.length): DnsName | null {
  const labels: string[] = []
  let position = at
  let floor = at
  let end = -1
  let nameBytes = 1
  for (;;) {
    if (position >= stop) return null
    const length = bytes[position]!
    if (length === 0) return { name: labels.join('.'), end: end < 0 ? position + 1 : end }
    if ((length & POINTER) === POINTER) {
      if (position + 1 >= stop) return null
      const target = start + (((length & 0x3f) << 8) | bytes[position + 1]!)
      if (target >= floor) return null
      if (end < 0) end = position + 2
      floor = target
      position = target
      continue
    }
    nameBytes += 1 + length
    const next = position + 1 + length
    if (length > MAX_LABEL_BYTES || next > stop || nameBytes > MAX_NAME_BYTES) return null
    labels.push(labelText(bytes, position + 1, next))
    position = next
  }
}

/** Labels as bytes, outermost last; null where the text is no name. The root has none. */
export function dnsLabels(name: string): Uint8Array[] | null {
  const labels: Uint8Array[] = []
  let label: number[] = []
  let nameBytes = 1
  const endLabel = () => {
    if (label.length === 0 || label.length > MAX_LABEL_BYTES) return false
    nameBytes += 1 + label.length
    labels.push(Uint8Array.from(label))
    label = []
    return nameBytes <= MAX_NAME_BYTES
  }
  if (name === '') return labels
  // Every byte has at most four characters; nothing longer is walked.
  if (name.length > 4 * MAX_NAME_BYTES) return null
  for (let i = 0; i < name.length; ) {
    if (name[i] === '.') {
      if (!endLabel()) return null
      i++
      continue
    }
    const [byte, characters] = readCharacter(name, i)
    if (byte < 0) return null
    label.push(byte)
    i += characters
  }
  return endLabel() ? labels : null
}

/** ASCII letters in lower case, and nothing else changed (RFC 4343 §3). */
export function toLowerDnsName(name: string): string {
  return name.replace(/[A-Z]/g, (letter) => letter.toLowerCase())
}

/** The labels of a name that `readDnsName` read, as text with its escapes. The root has none. */
export function splitDnsName(name: string): string[] {
  return name.match(/(?:\\.|[^.\\])+/g) ?? []
}

function labelText(bytes: Uint8Array, start: number, end: number): string {
  let text = ''
  for (let i = start; i < end; i++) {
    const byte = bytes[i]!
    if (byte === 0x2e || byte === 0x5c) text += `\\${String.fromCharCode(byte)}`
    else if (byte > 0x20 && byte < 0x7f) text += String.fromCharCode(byte)
    else text += `\\${byte.toString().padStart(3, '0')}`
  }
  return text
}

/** The byte that the text at `i` stands for and how many characters do so; a negative byte where none does. */
function readCharacter(name: string, i: number): [byte: number, characters: number] {
  const code = name.charCodeAt(i)
  if (code !== 0x5c) return code > 0x20 && code < 0x7f ? [code, 1] : [-1, 1]
  const digits = /^\d{3}$/.exec(name.slice(i + 1, i + 4))
  if (digits !== null) return Number(digits[0]) <= 255 ? [Number(digits[0]), 4] : [-1, 4]
  const escaped = name.charCodeAt(i + 1)
  return escaped > 0x20 && escaped < 0x7f && !(escaped >= 0x30 && escaped <= 0x39) ? [escaped, 2] : [-1, 2]
}
