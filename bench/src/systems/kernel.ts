import { release } from 'node:os'
import type { Lab } from '@wakunet/netlab'
import { assignAddress } from '../overlay-interface.ts'
import { OVERLAY_MTU, type Overlay, overlayAddress, type System } from '../system.ts'

const VXLAN_INTERFACE = 'vx0'
const VXLAN_PORT = 4789

/** The cable itself: the most that anything on top of it can reach. */
export const veth: System = {
  name: 'veth',
  ours: false,
  layer: 2,
  crypto: 'none',
  installation: { aptPackages: [] },
  isPair: false,
  missing: () => null,
  version: async () => `Linux ${release()}`,
  async up(lab: Lab): Promise<Overlay> {
    return {
      addresses: lab.hosts.map(({ address4 }) => address4),
      processes: lab.hosts.map(() => []),
      interfaceName: lab.host(1).interface,
      mtu: 1500,
    }
  },
}

/** VXLAN in the kernel (RFC 7348). */
export const vxlan: System = {
  name: 'vxlan',
  ours: false,
  layer: 2,
  crypto: 'none',
  installation: { aptPackages: [] },
  isPair: false,
  missing: () => null,
  version: async () => `Linux ${release()}`,
  async up(lab: Lab): Promise<Overlay> {
    await Promise.all(
      lab.hosts.map(async (host, index) => {
        const others = lab.hosts.filter((other) => other !== host)
        const link = `link add ${VXLAN_INTERFACE} type vxlan id 77 local ${host.address4}`
        await host.ip([`${link} dstport ${VXLAN_PORT} dev ${host.interface}`])
        // Frames to everybody and to nobody known go to each of the others.
        for (const { address4 } of others)
          await host.exec('bridge', [
            'fdb',
            'append',
            '00:00:00:00:00:00',
            'dev',
            VXLAN_INTERFACE,
            'dst',
            address4,
          ])
        await assignAddress(host, VXLAN_INTERFACE, index)
      }),
    )
    return {
      addresses: lab.hosts.map((_, index) => overlayAddress(index)),
      processes: lab.hosts.map(() => []),
      interfaceName: VXLAN_INTERFACE,
      mtu: OVERLAY_MTU,
    }
  },
}
