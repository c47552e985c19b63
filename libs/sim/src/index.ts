/**
 * A seeded discrete-event simulator of one VLAN: thousands of members, each the real fabric of a switch, over trunks with
 * delay and loss. It checks while it runs that no trunks forward in a circle, that nothing arrives twice, that every
 * broadcast reaches everybody once, and that no table grows too large.
 *
 * What comes out follows from the options alone: a seed that fails fails again.
 */
export * from './address-faults.ts'
export * from './event-queue.ts'
export * from './network.ts'
export * from './plot.ts'
export * from './probes.ts'
export * from './random.ts'
export * from './report.ts'
export * from './scenarios.ts'
export * from './sim-addressing.ts'
export * from './sim-dhcp-client.ts'
export * from './sim-frames.ts'
export * from './sim-host.ts'
export * from './sim-identity.ts'
export * from './sim-link.ts'
export * from './sim-node.ts'
export * from './simulation.ts'
export * from './topology.ts'
export * from './tree-watch.ts'
