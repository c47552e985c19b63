import {
  DHCPV6_CODE,
  DHCPV6_NO_ADDRESSES,
  DHCPV6_NO_PREFIXES,
  type Dhcpv6IaNa,
  type Dhcpv6Option,
  encodeDhcpv6OptionList,
  encodeDhcpv6Options,
} from '@wakunet/ethernet'

/** Associations of one message that are answered. */
const MAX_ANSWERED = 8

/** Bytes before the options of an association: IAID, and two times but for temporary addresses (RFC 8415 §21.4 to §21.6, §21.21). */
const FIXED_BYTES = new Map<number, number>([
  [DHCPV6_CODE.iaNa, 12],
  [DHCPV6_CODE.iaTa, 4],
  [DHCPV6_CODE.iaPd, 12],
])

export function hasAssociations(options: readonly Dhcpv6Option[]): boolean {
  return options.some(({ code }) => FIXED_BYTES.has(code))
}

/**
 * Each association of a client's message, of addresses or prefixes, with a status and nothing else.
 * @param code `DHCPV6_NO_ADDRESSES` says of prefixes that there are none of those
 */
export function emptyAssociations(options: readonly Dhcpv6Option[], code: number): Dhcpv6Option[] {
  const answers: Dhcpv6Option[] = []
  for (const option of options) {
    const fixedBytes = FIXED_BYTES.get(option.code)
    if (fixedBytes === undefined || option.data.length < fixedBytes || answers.length === MAX_ANSWERED)
      continue
    const isPrefix = option.code === DHCPV6_CODE.iaPd && code === DHCPV6_NO_ADDRESSES
    const statusCode = isPrefix ? DHCPV6_NO_PREFIXES : code
    const status = encodeDhcpv6OptionList([
      { code: DHCPV6_CODE.statusCode, data: Uint8Array.of(statusCode >>> 8, statusCode & 0xff) },
    ])
    const data = new Uint8Array(fixedBytes + status.length)
    data.set(option.data.subarray(0, 4))
    data.set(status, fixedBytes)
    answers.push({ code: option.code, data })
  }
  return answers
}

/** Addresses that shall not be used any more: with lifetimes of zero. */
export function expiredAssociations(
  iaNas: readonly Dhcpv6IaNa[],
  isExpired: (address: Uint8Array) => boolean,
): Dhcpv6Option[] {
  const expired: Dhcpv6IaNa[] = iaNas
    .map(({ iaid, addresses }) => ({
      iaid,
      renewSeconds: 0,
      rebindSeconds: 0,
      addresses: addresses
        .filter(({ address }) => isExpired(address))
        .map(({ address }) => ({ address, preferredSeconds: 0, validSeconds: 0, status: null })),
      status: null,
    }))
    .filter(({ addresses }) => addresses.length > 0)
  return encodeDhcpv6Options({ iaNas: expired }) ?? []
}
