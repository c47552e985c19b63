/**
 * Pure switching logic of one VLAN, clocked from outside (DESIGN.md 4): `VlanDatapath` takes frames from the TAP and records from
 * trunks, and puts the rooms together: forwarding database, guards, multicast tables, neighbour proxy, LAN election, and the
 * fabric of spanning tree and link state (`docs/protocols/vlan-control.md`). vlan-switch runs it on real interfaces, `npm run sim`
 * by the thousand.
 *
 * Nothing here does I/O or allocates per frame; time is an argument in milliseconds that only grow.
 */
export * from './bridge.ts'
export * from './bridge-policy.ts'
export * from './control/bpdu.ts'
export * from './control/link-state-message.ts'
export * from './control/message.ts'
export * from './control/multicast-report.ts'
export * from './datapath.ts'
export * from './datapath-drops.ts'
export * from './drops.ts'
export * from './fabric.ts'
export * from './fabric-drops.ts'
export * from './fdb.ts'
export * from './forward-plan.ts'
export * from './guards/index.ts'
export * from './lan/lan-election.ts'
export * from './link-state/advertisement.ts'
export * from './link-state/database.ts'
export * from './link-state/digest.ts'
export * from './link-state/link-state.ts'
export * from './link-state/neighbour.ts'
export * from './link-state/origin.ts'
export * from './mac.ts'
export * from './members.ts'
export * from './multicast/index.ts'
export * from './neighbour-frames.ts'
export * from './neighbour-proxy.ts'
export * from './path-mtu.ts'
export * from './sequence-window.ts'
export * from './spanning-tree/granted-priorities.ts'
export * from './spanning-tree/path-cost.ts'
export * from './spanning-tree/port.ts'
export * from './spanning-tree/spanning-tree.ts'
export * from './spanning-tree/types.ts'
export * from './spanning-tree/vector.ts'
export * from './trunk-table.ts'
