import { parseCidr } from '@wakunet/addressing'
import {
  looksLikeVlanLink,
  looksLikeVlanRef,
  parseVlanLink,
  parseVlanRef,
  vlanNameFault,
} from '@wakunet/identity'
import { type ErrorCode, WakunetError } from '@wakunet/interface'
import { checkInterfaceName } from '@wakunet/netio'
import { InvalidArgumentError } from 'commander'

const MIN_MTU = 1280
const MAX_MTU = 9000
const MIN_SUBNET_PREFIX = 8
const MAX_SUBNET_PREFIX = 30

/** A VLAN by id or by name. What is shaped like an id must be a right one, before any node is asked. */
export const vlanArgument = (text: string): string => {
  if (text.length === 0) throw new InvalidArgumentError('It must be a VLAN id or the name of a known VLAN.')
  if (looksLikeVlanRef(text) || isNearlyVlanRef(text)) named("argument 'vlan'", () => parseVlanRef(text))
  return text
}

/** The same, or an invitation link, which must be whole. */
export const vlanOrLinkArgument = (text: string): string => {
  if (!looksLikeVlanLink(text)) return vlanArgument(text)
  named("argument 'vlan'", () => parseVlanLink(text))
  return text
}

/** A few characters more, less or wrong are a slip of the hand: nobody names a VLAN like that. */
const isNearlyVlanRef = (text: string): boolean => /^v[a-z0-9]{26,32}$/i.test(text)

export const vlanNameArgument = (text: string): string => {
  const fault = vlanNameFault(text)
  if (fault !== null) throw new InvalidArgumentError(`It ${fault}.`)
  return text
}

/** Ways to an address that nobody chooses by hand. */
const ADDRESS_MODES = ['auto', 'dhcp', 'none'] as const
type ChosenMode = (typeof ADDRESS_MODES)[number]

export const isAddressMode = (text: string): text is ChosenMode => ADDRESS_MODES.some((mode) => mode === text)

/** A mode, or an IPv4 address with its prefix length; whether that fits the VLAN only the node can tell. */
export const addressArgument = (text: string): string => {
  if (isAddressMode(text)) return text
  cidr4(text, "option '--address <cidr>'")
  return text
}

export const subnetArgument = (text: string): string => {
  const { prefixLength } = cidr4(text, "option '--subnet <cidr>'")
  if (prefixLength < MIN_SUBNET_PREFIX || prefixLength > MAX_SUBNET_PREFIX) {
    throw new InvalidArgumentError(
      `Its prefix length must be from ${MIN_SUBNET_PREFIX} to ${MAX_SUBNET_PREFIX}.`,
    )
  }
  return text
}

const cidr4 = (text: string, where: string): ReturnType<typeof parseCidr> => {
  const cidr = named(where, () => parseCidr(text))
  if (cidr.family !== 4) throw new InvalidArgumentError('It must be IPv4; IPv6 addresses are automatic.')
  return cidr
}

export const interfaceArgument = (text: string): string => {
  named("option '--interface <name>'", () => checkInterfaceName(text))
  return text
}

export const bridgeArgument = (text: string): string => {
  named("option '--bridge <name>'", () => checkInterfaceName(text))
  return text
}

export const mtuArgument = (text: string): number => {
  const mtu = /^\d{1,5}$/.test(text) ? Number(text) : Number.NaN
  if (!(mtu >= MIN_MTU && mtu <= MAX_MTU)) {
    throw new InvalidArgumentError(`It must be a whole number of bytes from ${MIN_MTU} to ${MAX_MTU}.`)
  }
  return mtu
}

/** Seconds as milliseconds. */
export const secondsArgument = (text: string): number => {
  const seconds = /^\d{1,2}(\.\d{1,3})?$/.test(text) ? Number(text) : Number.NaN
  if (!(seconds >= 0 && seconds <= 60)) throw new InvalidArgumentError('It must be seconds from 0 to 60.')
  return Math.round(seconds * 1000)
}

/** Errors by the argument that they are about, for what only the node can tell. */
export type ArgumentOfError = Partial<Readonly<Record<ErrorCode, string>>>

/** The same error, led by the name of the argument that caused it where `arguments` has one for its code. */
export const namingArgument = (error: unknown, argumentOf: ArgumentOfError): unknown => {
  if (!(error instanceof WakunetError)) return error
  const name = argumentOf[error.code]
  return name === undefined
    ? error
    : new WakunetError(error.code, `${name}: ${error.message}`, { cause: error })
}

const named = <T>(where: string, run: () => T): T => {
  try {
    return run()
  } catch (error) {
    throw error instanceof WakunetError ? namingArgument(error, { [error.code]: where }) : error
  }
}
