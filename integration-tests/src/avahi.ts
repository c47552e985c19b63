import { mkdirSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import type { CommandResult, LabProcess } from '@wakunet/netlab'
import type { Station } from './station.ts'

/**
 * avahi keeps its process id and its socket below /run and finds others of its kind there, so each host gets a
 * /run of its own.
 */
const OWN_RUN_DIRECTORY = 'mount -t tmpfs tmpfs /run && mkdir -p /run/avahi-daemon && exec avahi-daemon "$@"'

/** What `avahi-browse -rp` resolved of one service. */
export interface FoundService {
  readonly interface: string
  readonly protocol: 'IPv4' | 'IPv6'
  readonly name: string
  readonly hostname: string
  readonly address: string
  readonly port: number
}

/**
 * An avahi daemon with its own D-Bus on one host, which speaks mDNS on the VLAN's interface alone. It ends with
 * the lab.
 */
export class Avahi {
  readonly hostname: string
  readonly #station: Station
  readonly #busAddress: string

  private constructor(station: Station) {
    this.#station = station
    this.hostname = `station-${station.name}`
    this.#busAddress = `unix:path=${path.join(this.#directory, 'bus.sock')}`
  }

  static async start(station: Station): Promise<Avahi> {
    const avahi = new Avahi(station)
    await avahi.#start()
    return avahi
  }

  /** Publishes a service until the host's end. */
  async publish(name: string, type: string, port: number): Promise<void> {
    const publisher = this.#spawn('avahi-publish-service', [name, type, String(port)])
    await publisher.waitForOutput(/Established under name/)
  }

  /** Services of `type` on all hosts, as far as they are heard of now. */
  async browse(type: string): Promise<FoundService[]> {
    const { stdout } = await this.#run('avahi-browse', ['--resolve', '--terminate', '--parsable', type])
    return stdout
      .split('\n')
      .filter((line) => line.startsWith('='))
      .map(parseService)
  }

  /** The address of a name, or null where nobody answers. */
  async resolve(name: string, family: '-4' | '-6'): Promise<string | null> {
    const { stdout } = await this.#run('avahi-resolve', [family, '--name', name])
    return stdout.trim().split('\t')[1] ?? null
  }

  /** The name of an address, or null where nobody answers. */
  async resolveAddress(address: string): Promise<string | null> {
    const { stdout } = await this.#run('avahi-resolve', ['--address', address])
    return stdout.trim().split('\t')[1] ?? null
  }

  async #start(): Promise<void> {
    mkdirSync(this.#directory, { recursive: true })
    const busConfig = path.join(this.#directory, 'bus.conf')
    const daemonConfig = path.join(this.#directory, 'avahi.conf')
    writeFileSync(busConfig, dbusConfig(this.#busAddress))
    writeFileSync(daemonConfig, avahiConfig(this.hostname, this.#station.interface))
    const bus = this.#spawn('dbus-daemon', [
      `--config-file=${busConfig}`,
      '--nofork',
      '--nopidfile',
      '--print-address',
    ])
    await bus.waitForOutput(/unix:path=/)
    const options = ['--no-drop-root', '--no-chroot', '--no-rlimits', '--file', daemonConfig]
    const daemon = this.#spawn('unshare', ['--mount', 'sh', '-c', OWN_RUN_DIRECTORY, 'sh', ...options])
    await daemon.waitForOutput(/Server startup complete/)
  }

  get #directory(): string {
    return path.join(this.#station.host.lab.directory, 'avahi')
  }

  #spawn(program: string, args: readonly string[]): LabProcess {
    return this.#station.host.lab.spawn(program, args, { env: this.#environment })
  }

  #run(program: string, args: readonly string[]): Promise<CommandResult> {
    return this.#station.host.lab.exec(program, args, { env: this.#environment, allowFailure: true })
  }

  get #environment(): Record<string, string> {
    return { DBUS_SYSTEM_BUS_ADDRESS: this.#busAddress, LC_ALL: 'C' }
  }
}

/** `=;wk-lan;IPv4;name;type;domain;hostname;address;port;text` */
function parseService(line: string): FoundService {
  const [, device, protocol, name, , , hostname, address, port] = line.split(';')
  return {
    interface: device ?? '',
    protocol: protocol === 'IPv6' ? 'IPv6' : 'IPv4',
    name: name ?? '',
    hostname: hostname ?? '',
    address: address ?? '',
    port: Number(port),
  }
}

function dbusConfig(address: string): string {
  return `<!DOCTYPE busconfig PUBLIC "-//freedesktop//DTD D-Bus Bus Configuration 1.0//EN"
  "http://www.freedesktop.org/standards/dbus/1.0/busconfig.dtd">
<busconfig>
  <type>system</type>
  <listen>${address}</listen>
  <auth>EXTERNAL</auth>
  <policy context="default">
    <allow user="*"/>
    <allow own="*"/>
    <allow send_destination="*"/>
    <allow receive_sender="*"/>
  </policy>
</busconfig>
`
}

function avahiConfig(hostname: string, device: string): string {
  return `[server]
host-name=${hostname}
allow-interfaces=${device}
use-ipv4=yes
use-ipv6=yes
[wide-area]
enable-wide-area=no
[publish]
publish-hinfo=no
publish-workstation=no
`
}
