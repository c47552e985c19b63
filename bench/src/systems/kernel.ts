import { release } from 'node:os'
import type { Lab } from '@wakunet/netlab'
import { assignAddress } from '../overlay-interface.ts'
import { OVERLAY_ADDRESSES, OVERLAY_MTU, type Overlay, type System } from '../system.ts'

const NO_PROCESSES = [[], []] as const
const VXLAN_PORT = 4789

/** The cable itself: the most that anything on top of it can reach. */
export const veth: System = {
  name: 'veth',
  ours: false,
  layer: 2,
  crypto: 'none',
  installation: { aptPackages: [] },
  missing: () => null,
  version: async () => `Linux ${release()}`,
  async up(lab: Lab): Promise<Overlay> {
    return { addresses: [lab.host(1).address4, lab.host(2).address4], processes: NO_PROCESSES, mtu: 1500 }
  },
}

/** VXLAN in the kernel (RFC 7348). */
export const vxlan: System = {
  name: 'vxlan',
  ours: false,
  layer: 2,
  crypto: 'none',
  installation: { aptPackages: [] },
  missing: () => null,
  version: async () => `Linux ${release()}`,
  async up(lab: Lab): Promise<Overlay> {
    const [first, second] = [lab.host(1), lab.host(2)]
    for (const [host, peer] of [
      [first, second],
      [second, first],
    ] as const) {
      const link = `link add vx0 type vxlan id 77 local ${host.address4} remote ${peer.address4}`
      await host.ip([`${link} dstport ${VXLAN_PORT} dev ${host.interface}`])
    }
    await Promise.all([assignAddress(first, 'vx0', 0), assignAddress(second, 'vx0', 1)])
    return { addresses: OVERLAY_ADDRESSES, processes: NO_PROCESSES, mtu: OVERLAY_MTU }
  },
}
