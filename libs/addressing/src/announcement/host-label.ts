/** Longest label of a domain name (RFC 1035 §2.3.4). */
export const MAX_LABEL_BYTES = 63

const LABEL = /^[a-z0-9]([a-z0-9-]*[a-z0-9])?$/

/** Letters a to z, digits and hyphens, no hyphen at the ends (RFC 1123 §2.1), lower case. */
export function isHostLabel(text: string): boolean {
  return text.length <= MAX_LABEL_BYTES && LABEL.test(text)
}

/** The label in what a host calls itself: its first label in lower case, other characters as hyphens; empty where nothing is left. */
export function hostLabelOf(name: string): string {
  const first = name.slice(0, 255).toLowerCase().split('.', 1)[0]!
  return first
    .replaceAll(/[^a-z0-9-]+/g, '-')
    .replace(/^-+/, '')
    .slice(0, MAX_LABEL_BYTES)
    .replace(/-+$/, '')
}
