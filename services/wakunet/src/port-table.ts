import type { PortInfo } from '@wakunet/bus'
import { printable } from './printable.ts'
import type { Style } from './style.ts'
import { formatTable } from './table.ts'
import { formatBytes } from './units.ts'

/** The joined VLANs, a line each; a failed one with its reason under the table. */
export const portTable = (ports: readonly PortInfo[], style: Style): readonly string[] => [
  ...formatTable(
    ['VLAN', 'INTERFACE', 'STATE', 'ADDRESSES', 'MEMBERS', 'IN', 'OUT', 'ID'],
    ports.map((port) => [
      style.bold(printable(port.name)),
      port.interface,
      port.state === 'up' ? style.good('up') : style.bad(port.state),
      port.addresses.join(' '),
      String(port.members),
      formatBytes(port.bytesIn),
      formatBytes(port.bytesOut),
      port.ref,
    ]),
  ),
  ...ports
    .filter((port) => port.lastError !== null)
    .map((port) => style.bad(printable(`${port.name}: ${port.lastError}`))),
]
