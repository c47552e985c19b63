import { InvalidArgumentError } from 'commander'

export interface HttpAddress {
  /** Absent where a port alone was given. */
  readonly host: string | undefined
  readonly port: number
}

/** Splits `host:port`, `[v6]:port` or a port alone. @throws InvalidArgumentError, which names the option */
export const parseHttpAddress = (text: string): HttpAddress => {
  const match = /^(?:(?:\[([0-9a-fA-F:.]+)\]|([^:[\]]*)):)?(\d{1,5})$/.exec(text)
  const port = Number(match?.[3])
  if (match === null || port > 65_535) {
    throw new InvalidArgumentError('It must be host:port, for example 127.0.0.1:9474 or [::1]:9474.')
  }
  return { host: match[1] ?? (match[2] || undefined), port }
}
