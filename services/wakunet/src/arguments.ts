import { parseCidr } from '@wakunet/addressing'
import { parseVlanRef } from '@wakunet/identity'
import { checkInterfaceName } from '@wakunet/netio'
import { InvalidArgumentError } from 'commander'

const MIN_MTU = 1280
const MAX_MTU = 9000
const MAX_NAME_BYTES = 64

/** A VLAN by id or by name. What is shaped like an id must be a right one, before any node is asked. */
export const vlanArgument = (text: string): string => {
  if (text.length === 0) throw new InvalidArgumentError('It must be a VLAN id or the name of a known VLAN.')
  if (looksLikeVlanId(text)) parseVlanRef(text)
  return text
}

/** An id has 30 characters, its bare form 32 hexadecimal ones; a few more or less are a slip of the hand. */
const looksLikeVlanId = (text: string): boolean => /^(v[a-z0-9]{26,32}|[0-9a-f]{32})$/i.test(text)

export const vlanNameArgument = (text: string): string => {
  if (text.trim() !== text || text.length === 0) {
    throw new InvalidArgumentError('It must not be empty nor start or end with a space.')
  }
  if (Buffer.byteLength(text) > MAX_NAME_BYTES) {
    throw new InvalidArgumentError(`It has ${Buffer.byteLength(text)} bytes; at most ${MAX_NAME_BYTES} fit.`)
  }
  if (/[\p{Cc}\p{Cf}]/u.test(text)) throw new InvalidArgumentError('It must not hold control characters.')
  return text
}

/** An IPv4 address with its prefix length; whether it fits the VLAN only the node can tell. */
export const addressArgument = (text: string): string => {
  const cidr = parseCidr(text)
  if (cidr.family !== 4) throw new InvalidArgumentError('It must be IPv4; IPv6 addresses are automatic.')
  return text
}

export const interfaceArgument = (text: string): string => {
  checkInterfaceName(text)
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
