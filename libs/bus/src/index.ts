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
export * from './config.ts'
export * from './contract.ts'
export * from './control-client.ts'
export * from './control-server.ts'
export { type InProcessBusComponents, InProcessBusHub } from './in-process.ts'
export { keepTrying } from './keep-trying.ts'
export * from './limits.ts'
export * from './nats-bus.ts'
export {
  type NatsCredentials,
  NatsLink,
  type NatsLinkComponents,
  type NatsLinkHandlers,
  type NatsLinkInit,
} from './nats-link.ts'
export * from './nats-permissions.ts'
export { checkNatsPrefix, DEFAULT_NATS_PREFIX } from './nats-subjects.ts'
export { OutboundWindow } from './outbound-window.ts'
export * from './schemas.ts'
