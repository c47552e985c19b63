import type { DatagramConfig } from '../config.ts'

/** Where the UDP port is to be opened. */
export interface DatagramListen {
  readonly port: number
  /** Null: not over this family. */
  readonly host4: string | null
  readonly host6: string | null
  /** Somebody has asked for this port: another one is not as good. */
  readonly wanted: boolean
}

/**
 * UDP addresses by configuration, or the same as those of the trunks' TCP: one thing to open in a firewall.
 * @param listen `trunk.listen`
 * @returns null where there is nothing to listen on
 */
export function datagramListen(config: DatagramConfig, listen: readonly string[]): DatagramListen | null {
  const wanted = config.listen.length > 0
  const [protocol, addresses] = wanted ? ['udp', config.listen] : ['tcp', listen]
  const found = addresses.map((text) => text.split('/')).filter((parts) => parts[3] === protocol)
  const ipv4 = found.find((parts) => parts[1] === 'ip4')
  const ipv6 = found.find((parts) => parts[1] === 'ip6')
  const first = ipv4 ?? ipv6
  if (first === undefined) return null
  return { port: Number(first[4]), host4: ipv4?.[2] ?? null, host6: ipv6?.[2] ?? null, wanted }
}
