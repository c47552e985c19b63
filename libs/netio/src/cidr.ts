import { isIP, SocketAddress } from 'node:net'
import { WakunetError } from '@wakunet/interface'

/** An interface address as the kernel compares it. */
export interface InterfaceAddress {
  readonly family: 4 | 6
  /** The kernel's spelling of the address. */
  readonly address: string
  readonly prefixLength: number
}

/**
 * Parses `address/prefix`. What comes out is safe to stand in a line of an `ip` batch.
 * @throws WakunetError `ERR_ADDRESS_INVALID`
 */
export function parseInterfaceAddress(cidr: string): InterfaceAddress {
  const match = /^([0-9a-fA-F.:]+)\/(\d{1,3})$/.exec(cidr)
  const text = match?.[1] ?? ''
  const family = isIP(text)
  const prefixLength = Number(match?.[2])
  if ((family !== 4 && family !== 6) || prefixLength > (family === 4 ? 32 : 128)) {
    throw new WakunetError(
      'ERR_ADDRESS_INVALID',
      `${JSON.stringify(cidr)} is not an address with a prefix length; right is for example 10.1.2.3/24 or fd00::1/64.`,
    )
  }
  const { address } = new SocketAddress({ address: text, family: family === 4 ? 'ipv4' : 'ipv6' })
  return { family, address, prefixLength }
}

export function formatInterfaceAddress({ address, prefixLength }: InterfaceAddress): string {
  return `${address}/${prefixLength}`
}

/** 169.254.0.0/16 (RFC 3927) and fe80::/10 (RFC 4291 section 2.5.6): the kernel's and its daemons' own business. */
export function isLinkLocal({ family, address }: InterfaceAddress): boolean {
  return family === 4 ? address.startsWith('169.254.') : /^fe[89ab]/.test(address)
}
