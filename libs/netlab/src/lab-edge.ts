import { runCommand } from './command.ts'
import type { LabHost } from './lab-host.ts'

/** Where a cable ends at a host. */
export interface EdgeEnd {
  readonly host: LabHost
  /** On the host: `to3` leads to h3. */
  readonly interface: string
  /** Without prefix length; the cable's subnet is a /30 of its own. */
  readonly address4: string
}

export interface LabEdgeInit {
  readonly ends: readonly [EdgeEnd, EdgeEnd]
  /** Where the middle of the cable is. */
  readonly namespace: string
  /** The middle's two ports, in the order of the ends. */
  readonly ports: readonly [string, string]
}

/** States of a bridge's port, as `bridge link` counts them. */
const DISABLED = '0'
const FORWARDING = '3'

/** One cable of a lab whose hosts are joined by single cables. */
export class LabEdge {
  readonly ends: readonly [EdgeEnd, EdgeEnd]
  readonly #namespace: string
  readonly #ports: readonly [string, string]

  constructor(init: LabEdgeInit) {
    this.ends = init.ends
    this.#namespace = init.namespace
    this.#ports = init.ports
  }

  /** `h1-h2`. */
  get name(): string {
    return this.ends.map(({ host }) => host.name).join('-')
  }

  /** The end at a host, or null where the cable is not the host's. */
  endAt(host: LabHost): EdgeEnd | null {
    return this.ends.find((end) => end.host === host) ?? null
  }

  /** From now on everything is lost in the middle, both ways; neither host's kernel notices. */
  async cut(): Promise<void> {
    await this.#setForwarding(DISABLED)
  }

  async heal(): Promise<void> {
    await this.#setForwarding(FORWARDING)
  }

  /** Plugs both ends in or pulls both out: the hosts' kernels see the carrier go. Addresses stay. */
  async setLink(state: 'up' | 'down'): Promise<void> {
    const input = this.#ports.map((port) => `link set ${port} ${state}\n`).join('')
    await runCommand('ip', ['-n', this.#namespace, '-batch', '-'], { input })
  }

  async #setForwarding(state: string): Promise<void> {
    await runCommand('bridge', ['-n', this.#namespace, 'link', 'set', 'dev', this.#ports[0], 'state', state])
  }
}
