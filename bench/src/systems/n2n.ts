import { type Lab, type LabHost, type LabProcess, runCommand } from '@wakunet/netlab'
import { untilInterface } from '../overlay-interface.ts'
import { OVERLAY_MTU, OVERLAY_PREFIX_LENGTH, type Overlay, overlayAddress, type System } from '../system.ts'
import { withOwnLibraries } from '../unpacked.ts'

/** Debian 12 and 13 have n2n 1.3 of 2018, without AES. */
const SUITE = 'sid'
const INTERFACE = 'n2n0'
const SUPERNODE_PORT = 7654
const MANAGEMENT_PORT = 5644

/** n2n 3, edges peer to peer; the supernode on the first host only introduces them. */
export const n2n: System = {
  name: 'n2n',
  ours: false,
  layer: 2,
  crypto: 'AES-256-CBC',
  installation: { aptPackages: [], unpacked: { suite: SUITE, packages: ['n2n', 'libc6'] } },
  isPair: false,
  missing: () => (withOwnLibraries(SUITE, 'edge') === null ? 'n2n 3 is not unpacked' : null),
  async version() {
    const [loader, ...args] = command('edge')
    const { stdout } = await runCommand(loader, [...args, '--help'], { allowFailure: true })
    return /n2n v\.\S+/.exec(stdout)?.[0] ?? ''
  },
  async up(lab: Lab, signal: AbortSignal): Promise<Overlay> {
    const first = lab.host(1)
    const [loader, ...args] = command('supernode')
    const supernode = first.spawn(loader, [...args, '-f', '-p', String(SUPERNODE_PORT), '-v'])
    await supernode.waitForOutput(/supernode started/, { signal })
    const edges = lab.hosts.map((host, index) => startEdge(host, first, index))
    for (const [index, host] of lab.hosts.entries())
      await untilInterface(host, INTERFACE, edges[index]!, signal)
    // Without the supernode's process the figures show what the edges cost; it is idle once they know each other.
    return {
      addresses: lab.hosts.map((_, index) => overlayAddress(index)),
      processes: edges.map((edge) => [edge]),
      interfaceName: INTERFACE,
      mtu: OVERLAY_MTU,
    }
  },
}

function startEdge(host: LabHost, supernode: LabHost, index: number): LabProcess {
  const [loader, ...args] = command('edge')
  return host.spawn(loader, [
    ...args,
    ...['-f', '-A3', '-k', 'bench', '-c', 'bench', '-E', '-M', String(OVERLAY_MTU), '-d', INTERFACE],
    ...['-a', `static:${overlayAddress(index)}/${OVERLAY_PREFIX_LENGTH}`],
    ...['-l', `${supernode.address4}:${SUPERNODE_PORT}`, '-t', String(MANAGEMENT_PORT), '-u', '0', '-g', '0'],
  ])
}

function command(program: string): [string, ...string[]] {
  const [loader, ...args] = withOwnLibraries(SUITE, program) ?? []
  if (loader === undefined) throw new Error(`${program} is not unpacked`)
  return [loader, ...args]
}
