/** IP addresses as text and as bytes: 4 bytes for IPv4, 16 for IPv6. Parsers are strict and answer null. */

const IPV4_TEXT = /^(0|[1-9]\d{0,2})\.(0|[1-9]\d{0,2})\.(0|[1-9]\d{0,2})\.(0|[1-9]\d{0,2})$/
const IPV6_GROUP = /^[0-9a-f]{1,4}$/i
const IPV6_GROUPS = 8
/** Longest form: eight groups of four digits, the last two as IPv4. */
const MAX_IPV6_TEXT = 45

/** Dotted decimal with four numbers and no leading zeros: `010.0.0.1` means two things to two programs. */
export function parseIpv4(text: string): Uint8Array | null {
  const match = IPV4_TEXT.exec(text)
  if (match === null) return null
  const numbers = match.slice(1).map(Number)
  return numbers.every((number) => number <= 255) ? Uint8Array.from(numbers) : null
}

/** Every form of RFC 4291 §2.2, without a zone. */
export function parseIpv6(text: string): Uint8Array | null {
  if (text.length > MAX_IPV6_TEXT) return null
  const halves = text.split('::')
  if (halves.length > 2) return null
  const head = parseGroups(halves[0] ?? '', halves.length === 1)
  const tail = halves.length === 2 ? parseGroups(halves[1] ?? '', true) : []
  if (head === null || tail === null) return null
  const missing = IPV6_GROUPS - head.length - tail.length
  // "::" stands for one group at least (RFC 4291 §2.2 form 2, RFC 5952 §4.2.2).
  if (halves.length === 2 ? missing < 1 : missing !== 0) return null
  const groups = [...head, ...new Array<number>(missing).fill(0), ...tail]
  return Uint8Array.from(groups.flatMap((group) => [group >>> 8, group & 0xff]))
}

/** Text of 4 or 16 bytes; IPv6 in the canonical form of RFC 5952. */
export function formatIp(bytes: Uint8Array): string {
  if (bytes.length === 4) return bytes.join('.')
  const groups = Array.from({ length: IPV6_GROUPS }, (_, i) => (bytes[2 * i]! << 8) | bytes[2 * i + 1]!)
  // RFC 5952 §5: a well-known prefix with an IPv4 address in it shows that address.
  if (isIpv4Mapped(bytes)) return `::ffff:${bytes.subarray(12).join('.')}`
  const [start, length] = longestZeroRun(groups)
  const hex = groups.map((group) => group.toString(16))
  // RFC 5952 §4.2.2: one single group of zeros is not shortened.
  if (length < 2) return hex.join(':')
  return `${hex.slice(0, start).join(':')}::${hex.slice(start + length).join(':')}`
}

/** An IPv4 address in IPv6 clothes, `::ffff:0:0/96` (RFC 4291 §2.5.5.2). */
export function isIpv4Mapped(bytes: Uint8Array): boolean {
  if (bytes.length !== 16 || bytes[10] !== 0xff || bytes[11] !== 0xff) return false
  return bytes.subarray(0, 10).every((byte) => byte === 0)
}

/** @param last whether the text may end in dotted decimal (RFC 4291 §2.2 form 3) */
function parseGroups(text: string, last: boolean): number[] | null {
  if (text === '') return []
  const parts = text.split(':')
  const groups: number[] = []
  for (const [i, part] of parts.entries()) {
    const ipv4 = last && i === parts.length - 1 ? parseIpv4(part) : null
    if (ipv4 !== null) groups.push((ipv4[0]! << 8) | ipv4[1]!, (ipv4[2]! << 8) | ipv4[3]!)
    else if (IPV6_GROUP.test(part)) groups.push(Number.parseInt(part, 16))
    else return null
  }
  return groups
}

/** Start and length of the longest run of zero groups, the first one of several (RFC 5952 §4.2.3). */
function longestZeroRun(groups: readonly number[]): [number, number] {
  let best: [number, number] = [0, 0]
  let start = 0
  groups.forEach((group, i) => {
    if (group !== 0) start = i + 1
    else if (i + 1 - start > best[1]) best = [start, i + 1 - start]
  })
  return best
}
