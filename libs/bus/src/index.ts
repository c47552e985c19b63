/**
 * The control contract between services and its implementations.
 *
 * `contract` is the one registry of subjects. `ContractBus` enforces it (roles, schemas, timeouts, limits)
 * on top of a transport that moves bytes:
 *
 * ```text
 *   service ── Bus ── ContractBus ── InProcessLink      InProcessBusHub: one process
 *                          └──────── NatsTransport      NatsBus: separate processes
 *   cli ───── RequestBus ─────────── Unix socket        ControlSocketClient -> ControlSocketServer -> Bus
 * ```
 */
export * from './bus.ts'
export * from './contract.ts'
export { type InProcessBusComponents, InProcessBusHub } from './in-process.ts'
export * from './limits.ts'
export * from './schemas.ts'
