import { WakunetError } from '@wakunet/interface'

/** Where a NATS bus is and as whom to speak there. */
export interface BusAddress {
  /** `nats://host:port`, without credentials. */
  readonly server: string
  readonly user: string | undefined
  readonly password: string | undefined
  readonly prefix: string | undefined
}

const SCHEMES = ['nats:', 'tls:']

/**
 * Reads `nats://[user[:password]@]host[:port][/prefix]`.
 * @throws WakunetError `ERR_USAGE`, without the password in its message
 */
export const parseBusUrl = (text: string): BusAddress => {
  const url = URL.parse(text)
  const parts = url === null ? null : decodeAll([url.username, url.password, url.pathname.slice(1)])
  const isBus =
    url !== null && SCHEMES.includes(url.protocol) && url.hostname !== '' && url.search + url.hash === ''
  if (!isBus || parts === null) {
    throw new WakunetError(
      'ERR_USAGE',
      "option '--bus <url>' (or WAKUNET_BUS) must be nats://[user:password@]host[:port][/prefix], for example nats://127.0.0.1:4222",
    )
  }
  const [user, password, prefix] = parts
  return { server: `${url.protocol}//${url.host}`, user, password, prefix }
}

/** Percent-decoded, undefined for an empty part; null where a part is malformed. */
const decodeAll = (parts: readonly string[]): readonly (string | undefined)[] | null => {
  try {
    return parts.map((part) => (part === '' ? undefined : decodeURIComponent(part)))
  } catch {
    return null
  }
}
