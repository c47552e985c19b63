/** Longest label of a domain name (RFC 1035 §2.3.4). */
export const MAX_LABEL_BYTES = 63

const LABEL = /^[a-z0-9]([a-z0-9-]*[a-z0-9])?$/

/** Letters a to z, digits and hyphens, no hyphen at the ends (RFC 1123 §2.1), lower case. */
export function isHostLabel(text: string): boolean {
  return text.length <= MAX_LABEL_BYTES && LABEL.test(text)
}
