/** RFC 1035 §2.3.4: what fits the wire form with its length bytes. */
const MAX_DOMAIN_LENGTH = 253
/** RFC 1123 §2.1 and RFC 1034 §3.5, in lower case. */
const LABEL = /^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$/

/** What is wrong with a domain name, as the end of a sentence that begins with it; null for a good one. */
export function domainNameFault(text: string): string | null {
  if (text.length === 0) return 'must not be empty'
  if (text.length > MAX_DOMAIN_LENGTH) {
    return `must have at most ${MAX_DOMAIN_LENGTH} characters, not ${text.length}`
  }
  if (text.endsWith('.')) return 'must not end with a dot'
  if (text !== text.toLowerCase()) return 'must be in lower case'
  const labels = text.split('.')
  const bad = labels.find((label) => !LABEL.test(label))
  if (bad !== undefined) return labelFault(bad)
  // RFC 3696 §2: or it could be taken for an address.
  return /^\d+$/.test(labels.at(-1) ?? '') ? 'must not end with a label of digits alone' : null
}

function labelFault(label: string): string {
  if (label === '') return 'must not have two dots in a row, nor begin with one'
  if (label.length > 63) return 'must have at most 63 characters between dots'
  if (/^-|-$/.test(label)) return `must not have a hyphen at the ends of a label, as ${JSON.stringify(label)}`
  return `must have only letters a to z, digits, hyphens and dots, unlike ${JSON.stringify(label)}`
}
