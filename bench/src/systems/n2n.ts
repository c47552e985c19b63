import { type Lab, type LabHost, type LabProcess, runCommand } from '@wakunet/netlab'
import { untilInterface } from '../overlay-interface.ts'
import {
  OVERLAY_ADDRESSES,
  OVERLAY_MTU,
  OVERLAY_PREFIX_LENGTH,
  type Overlay,
  type System,
} from '../system.ts'
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
  missing: () => (withOwnLibraries(SUITE, 'edge') === null ? 'n2n 3 is not unpacked' : null),
  async version() {
    const [loader, ...args] = command('edge')
    const { stdout } = await runCommand(loader, [...args, '--help'], { allowFailure: true })
    return /n2n v\.\S+/.exec(stdout)?.[0] ?? ''
  },
  async up(lab: Lab, signal: AbortSignal): Promise<Overlay> {
    const [first, second] = [lab.host(1), lab.host(2)]
    const [loader, ...args] = command('supernode')
    const supernode = first.spawn(loader, [...args, '-f', '-p', String(SUPERNODE_PORT), '-v'])
    await supernode.waitForOutput(/supernode started/, { signal })
    const edges = [startEdge(first, first, 0), startEdge(second, first, 1)] as const
    await untilInterface(first, INTERFACE, edges[0], signal)
    await untilInterface(second, INTERFACE, edges[1], signal)
    // Without the supernode's process the figures show what two edges cost; it is idle once they know each other.
    return { addresses: OVERLAY_ADDRESSES, processes: [[edges[0]], [edges[1]]], mtu: OVERLAY_MTU }
  },
}

function startEdge(host: LabHost, supernode: LabHost, index: 0 | 1): LabProcess {
  const [loader, ...args] = command('edge')
  return host.spawn(loader, [
    ...args,
    ...['-f', '-A3', '-k', 'bench', '-c', 'bench', '-E', '-M', String(OVERLAY_MTU), '-d', INTERFACE],
    ...['-a', `static:${OVERLAY_ADDRESSES[index]}/${OVERLAY_PREFIX_LENGTH}`],
    ...['-l', `${supernode.address4}:${SUPERNODE_PORT}`, '-t', String(MANAGEMENT_PORT), '-u', '0', '-g', '0'],
  ])
}

function command(program: string): [string, ...string[]] {
  const [loader, ...args] = withOwnLibraries(SUITE, program) ?? []
  if (loader === undefined) throw new Error(`${program} is not unpacked`)
  return [loader, ...args]
}
