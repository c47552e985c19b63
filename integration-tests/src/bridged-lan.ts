import type { LabHost } from '@wakunet/netlab'

export interface BridgedLanInit {
  /** Whether its bridges run the kernel's spanning tree (802.1D-1998). */
  readonly stp: boolean
}

/** Least that the kernel takes: the spanning tree is there after four seconds instead of 30. */
const STP_OPTIONS = 'stp_state 1 forward_delay 200 hello_time 100 max_age 600'

/** A LAN of real Linux bridges in a lab: its own switch on one host, and `br0` on each host that is plugged in. */
export class BridgedLan {
  readonly #center: LabHost
  readonly #options: string

  private constructor(center: LabHost, { stp }: BridgedLanInit) {
    this.#center = center
    this.#options = stp ? STP_OPTIONS : 'stp_state 0'
  }

  /** @param center the host that is the LAN's switch */
  static async create(center: LabHost, init: BridgedLanInit): Promise<BridgedLan> {
    const lan = new BridgedLan(center, init)
    await center.ip([`link add sw0 type bridge ${lan.#options}`, 'link set dev sw0 up'])
    return lan
  }

  /** Lays a cable from the switch to `lan0` of a host, and makes it a port of the host's `br0` where asked. */
  async plug(host: LabHost, { bridge }: { readonly bridge: boolean }): Promise<void> {
    const end = `to-${host.name}`
    await this.#center.ip([
      `link add ${end} type veth peer name lan0 netns ${host.namespace}`,
      `link set dev ${end} master sw0 up`,
    ])
    const lines = bridge
      ? [`link add br0 type bridge ${this.#options}`, 'link set dev br0 up', 'link set dev lan0 master br0']
      : []
    await host.ip([...lines, 'link set dev lan0 up'])
  }

  /** Cuts a host's cable inside the switch: no interface of the host notices. */
  async cut(host: LabHost): Promise<void> {
    await this.#center.ip([`link set dev to-${host.name} nomaster`])
  }

  async heal(host: LabHost): Promise<void> {
    await this.#center.ip([`link set dev to-${host.name} master sw0`])
  }
}
