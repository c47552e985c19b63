/**
 * How a lease came about: the switch chose it for its own interface, a person chose it for that, a host was given it, or a host
 * has it without having asked. The order is that of the wire.
 */
export const LEASE_KINDS = ['auto', 'manual', 'dhcp', 'observed'] as const
export type LeaseKind = (typeof LEASE_KINDS)[number]

/** One address of one station behind a member. */
export interface Lease {
  /** Six bytes. */
  readonly mac: Uint8Array
  /** 4 or 16 bytes. */
  readonly address: Uint8Array
  readonly kind: LeaseKind
  /** Unix milliseconds at which the member gave it, or saw it first. */
  readonly sinceMs: number
  /** One label of lower-case letters, digits and hyphens, or empty. */
  readonly hostname: string
}

/** Whether it is an address of the member's own interface. */
export function isOwnAddress({ kind }: Pick<Lease, 'kind'>): boolean {
  return kind === 'auto' || kind === 'manual'
}
