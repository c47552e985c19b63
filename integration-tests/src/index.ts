/**
 * What the integration tests are made of: whole hosts with real nodes, TAPs and third-party programs.
 *
 * ```text
 *   h1: node, wk-… ─ eth0 ┐
 *   h2: node, wk-… ─ eth0 ┼ br0          each host is a network namespace (@wakunet/netlab)
 *   h3: node, wk-… ─ eth0 ┘
 * ```
 *
 * A node comes in two shapes, `wakunet up` or separate services, and every suite runs on both
 * (`forEachShape`). Tests speak to nodes through the command line, as people do.
 */
export * from './attacks.ts'
export * from './avahi.ts'
export * from './bridged-lan.ts'
export * from './datagram-scene.ts'
export * from './datagram-tickers.ts'
export * from './datagrams.ts'
export * from './dhcp-client.ts'
export * from './figures.ts'
export * from './file-server.ts'
export * from './guard-attacks.ts'
export * from './guard-scene.ts'
export * from './host.ts'
export * from './hostile-attacks.ts'
export * from './hostile-frames.ts'
export * from './hostile-process.ts'
export * from './hostile-scene.ts'
export * from './large-file.ts'
export * from './lying-hints.ts'
export * from './multicast.ts'
export * from './network-fixture.ts'
export * from './outages.ts'
export * from './ping.ts'
export { INJECTIONS, type Injection } from './relayed-record.ts'
export * from './shape.ts'
export * from './station.ts'
export * from './station-process.ts'
export type { StationProgramInit } from './station-program.ts'
export { TappedHost } from './tapped-host.ts'
export * from './tcp-ticker.ts'
export * from './test-network.ts'
export * from './trunk-attacks.ts'
export * from './wait-until.ts'
