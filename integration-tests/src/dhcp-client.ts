import { mkdirSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import type { LabHost, LabProcess } from '@wakunet/netlab'
import { waitUntil } from './wait-until.ts'

/** Unmodified DHCP clients of Debian. */
export const DHCP_CLIENTS = ['dhclient', 'udhcpc', 'systemd-networkd'] as const
export type DhcpClientKind = (typeof DHCP_CLIENTS)[number]

const NETWORKD = '/lib/systemd/systemd-networkd'
const LEASE_TIMEOUT_MS = 20_000

/**
 * The clients write into /etc and /run, and so each gets its own over the machine's: $1 is a folder for them, $2 the
 * configuration of networkd, $3 the host's name, the rest is what runs. udev is not asked about interfaces where /sys is read-only, as in a container.
 */
const OWN_FILES = `
set -e
mount -t tmpfs tmpfs "$1"
mkdir "$1/upper" "$1/work"
mount -t overlay overlay -o "lowerdir=/etc,upperdir=$1/upper,workdir=$1/work" /etc
: > /etc/resolv.conf
mount -t tmpfs tmpfs /run
mkdir -p /run/systemd/network /run/systemd/netif
chown systemd-network: /run/systemd/netif
printf '%s' "$2" > /run/systemd/network/10-lan.network
printf '%s' "$3" > /proc/sys/kernel/hostname
mount -o remount,bind,ro /sys
shift 3
exec "$@"
`

export interface DhcpClientInit {
  readonly kind: DhcpClientKind
  readonly host: LabHost
  readonly interface: string
  /** Host name that the client tells. */
  readonly hostname: string
}

let clients = 0

/** One run of a client on one interface. */
export class DhcpClient {
  readonly kind: DhcpClientKind
  readonly #init: DhcpClientInit
  readonly #process: LabProcess
  readonly #leaseFile: string

  private constructor(init: DhcpClientInit, process: LabProcess, leaseFile: string) {
    this.kind = init.kind
    this.#init = init
    this.#process = process
    this.#leaseFile = leaseFile
  }

  /** Starts a client without a memory, or with the lease file that is given. */
  static start(init: DhcpClientInit, leases = ''): DhcpClient {
    const directory = path.join(init.host.directory, `dhcp-${++clients}`)
    mkdirSync(path.join(directory, 'files'), { recursive: true })
    const leaseFile = path.join(directory, 'leases')
    writeFileSync(leaseFile, leases)
    const network = init.kind === 'systemd-networkd' ? networkdConfig(init) : ''
    const own = [
      '--mount',
      '--uts',
      'sh',
      '-c',
      OWN_FILES,
      'sh',
      path.join(directory, 'files'),
      network,
      init.hostname,
    ]
    const client = init.host.spawn('unshare', [...own, ...command(init, directory)], { env: { LC_ALL: 'C' } })
    return new DhcpClient(init, client, leaseFile)
  }

  /** Waits for an address. @returns it, without prefix length */
  address(timeoutMs = LEASE_TIMEOUT_MS): Promise<string> {
    const explain = () => this.output()
    return waitUntil(`a lease of ${this.kind}`, () => this.addressNow(), { timeoutMs, explain })
  }

  async addressNow(): Promise<string | null> {
    const addresses = await this.#init.host.addresses(this.#init.interface)
    return addresses.find((cidr) => /^\d+\./.test(cidr))?.split('/')[0] ?? null
  }

  output(): string {
    const { stdout, stderr } = this.#process.output()
    return `${stdout}${stderr}`
  }

  /** What it made of the options: its own files, and the MTU of the interface. */
  async options(): Promise<string> {
    const root = `/proc/${this.#process.pid}/root`
    const files = `cat ${root}/etc/resolv.conf ${this.#leaseFile} ${root}/run/systemd/netif/leases/* 2>/dev/null`
    const link = `cat /sys/class/net/${this.#init.interface}/mtu; ip route`
    return (await this.#init.host.exec('sh', ['-c', `${files}; ${link}`])).stdout
  }

  signal(signal: NodeJS.Signals): void {
    this.#process.kill(signal)
  }

  /** Ends it without a word to the server, and takes its address away. */
  async kill(): Promise<void> {
    await this.#process.stop({ signal: 'SIGKILL' })
    await this.#init.host.exec('ip', ['-4', 'addr', 'flush', 'dev', this.#init.interface])
  }
}

/** `lease` statement of a lease file of dhclient that has not run out. */
export function dhclientLease(interfaceName: string, address: string, server: string): string {
  const soon = (hours: number) =>
    new Date(Date.now() + hours * 3_600_000).toISOString().slice(0, 19).replaceAll('-', '/').replace('T', ' ')
  const day = (hours: number) => `${new Date(Date.now() + hours * 3_600_000).getUTCDay()} ${soon(hours)}`
  return `lease {
  interface "${interfaceName}";
  fixed-address ${address};
  option subnet-mask 255.255.255.0;
  option dhcp-lease-time 36000;
  option dhcp-server-identifier ${server};
  renew ${day(1)};
  rebind ${day(2)};
  expire ${day(3)};
}
`
}

function command({ kind, interface: name, hostname }: DhcpClientInit, directory: string): string[] {
  switch (kind) {
    case 'dhclient': {
      const files = ['-lf', path.join(directory, 'leases'), '-pf', path.join(directory, 'pid')]
      return ['dhclient', '-4', '-d', '-v', ...files, name]
    }
    case 'udhcpc':
      return [
        'udhcpc',
        '-f',
        '-i',
        name,
        '-x',
        `hostname:${hostname}`,
        '-O',
        'ntpsrv',
        '-O',
        'mtu',
        '-T',
        '1',
        '-A',
        '2',
      ]
    case 'systemd-networkd':
      return [NETWORKD]
  }
}

function networkdConfig({ interface: name, hostname }: DhcpClientInit): string {
  return `[Match]
Name=${name}
[Network]
DHCP=ipv4
LinkLocalAddressing=ipv6
[DHCPv4]
Hostname=${hostname}
UseMTU=yes
SendRelease=no
`
}
