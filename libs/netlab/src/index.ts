/**
 * Hosts out of Linux network namespaces: what the demo, the integration tests and the bench run on.
 *
 * ```text
 *   topology 'bridge'                                    topology 'direct' (two hosts)
 *
 *   h1 ─ eth0 ┐                                          h1 ─ eth0 ───── eth0 ─ h2
 *   h2 ─ eth0 ┼ br0 in a namespace of its own (sw)
 *   h3 ─ eth0 ┘
 * ```
 *
 *   `edges` instead of a topology: single cables, each with a middle in which it can be cut unnoticed
 *
 *   h1 ─ to2 ── h1-h2 ── to1 ─ h2 ─ to3 ── h2-h3 ── to2 ─ h3
 *
 *   `sites`: each host in a network of its own, joined to an internet by a router of some kind, or by none
 *
 *   h1 (public) ─ eth0 ──────────────────┐
 *   h2 ─ eth0 ── lan ─ r2 (NAT) ─ wan ───┼─ br0 in a namespace of its own (sw)
 *   h3 ─ eth0 ── lan ─ r3 (firewall) ─ wan ┘
 *
 * A lab leaves nothing behind however its program ends: `stop()`, the exit and signal handlers of the
 * process, a reaper beside the process for `kill -9`, and the sweep at the start of the next lab.
 */
export type { Capture, CaptureResult } from './capture.ts'
export {
  CommandError,
  type CommandOptions,
  type CommandResult,
  findProgram,
  requireProgram,
  runCommand,
} from './command.ts'
export { type HostPair, lineGraph, meshGraph, randomGraph, ringGraph } from './graphs.ts'
export { Lab } from './lab.ts'
export type { EdgeEnd, LabEdge } from './lab-edge.ts'
export type { ExecOptions, LabHost } from './lab-host.ts'
export type { LabInit, LabTopology } from './lab-plan.ts'
export type { ExitStatus, LabProcess, SpawnOptions } from './lab-process.ts'
export type { LabPrivileges, PrivilegeKind } from './privileges.ts'
export { type Blocked, NAT_KINDS, type NatKind, type SiteInit } from './site-rules.ts'
