import type { PortInfo } from '@wakunet/bus'
import type { Host } from './host.ts'

/** A host in one VLAN: its TAP and what it is called there. */
export class Station {
  readonly host: Host
  readonly interface: string
  readonly mac: string
  readonly nodeId: string
  readonly address4: string
  readonly prefixLength4: number
  /** Out of the VLAN's unique local prefix (RFC 4193). */
  readonly address6: string
  /** Without a zone: `waysTo` adds that of the host that uses it. */
  readonly linkLocal: string

  constructor(host: Host, port: PortInfo, addresses: readonly string[], nodeId: string) {
    this.host = host
    this.interface = port.interface
    this.mac = port.mac
    this.nodeId = nodeId
    const [address4, prefixLength4] = pick(addresses, /^\d+\./)
    this.address4 = address4
    this.prefixLength4 = prefixLength4
    this.address6 = pick(addresses, /^f[cd]/)[0]
    this.linkLocal = pick(addresses, /^fe80:/)[0]
  }

  get name(): string {
    return this.host.name
  }

  /** How to reach another station from here, one address for each kind. */
  waysTo(other: Station): { kind: string; address: string }[] {
    return [
      { kind: 'IPv4', address: other.address4 },
      { kind: 'IPv6 ULA', address: other.address6 },
      { kind: 'IPv6 link-local', address: `${other.linkLocal}%${this.interface}` },
    ]
  }
}

function pick(addresses: readonly string[], kind: RegExp): [address: string, prefixLength: number] {
  const cidr = addresses.find((candidate) => kind.test(candidate))
  const [address, length] = cidr?.split('/') ?? []
  if (address === undefined) throw new Error(`no address like ${kind} among ${addresses.join(', ')}`)
  return [address, Number(length)]
}
