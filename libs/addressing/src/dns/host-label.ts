import { bytesToHex } from '@noble/hashes/utils.js'

const MAX_LABEL_LENGTH = 63
/** Name of the switch's own station. No host gets it without a suffix. */
export const STATION_LABEL = 'switch'
/** Under which all VLANs are, unless their record says another domain. `internal` is reserved for private use (ICANN, 2024). */
export const DOMAIN_ROOT = 'waku.internal'

/**
 * The label that a host has for the name it says: what is before the first dot, without accents and apostrophes, in lower case;
 * letters, digits and hyphens stay, everything else is a hyphen (RFC 952, RFC 1123 §2.1). No two hyphens in a row, so that no name
 * becomes one of the encoded international ones (RFC 5891 §4.2.3.1). Empty where nothing is left.
 */
export function hostLabel(hostname: string): string {
  return toLabel(hostname.split('.', 1)[0] ?? '')
}

/** The domain of a VLAN whose record says none. */
export function defaultDomain(vlanName: string, vlanId: Uint8Array): string {
  const label = toLabel(vlanName) || `vlan-${bytesToHex(vlanId.subarray(0, 4))}`
  return `${label}.${DOMAIN_ROOT}`
}

function toLabel(text: string): string {
  return text
    .slice(0, 4 * MAX_LABEL_LENGTH)
    .normalize('NFKD')
    .replace(/[\p{Mn}'’]/gu, '')
    .toLowerCase()
    .replace(/[^a-z0-9]+/g, '-')
    .replace(/^-/, '')
    .slice(0, MAX_LABEL_LENGTH)
    .replace(/-$/, '')
}
