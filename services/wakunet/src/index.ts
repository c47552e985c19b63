/**
 * The embedded node, all services of a host in one process, and the command line `wakunet` that talks to it
 * over its control socket, or to services in processes of their own over NATS. It is the one service that
 * imports others: it runs them.
 */
export { type CommandLineContext, runCommandLine } from './command-line.ts'
export { loadNodeConfig, type NodeConfig, nodeConfigSchema } from './config.ts'
export type { DemoReport } from './demo/report.ts'
export { EmbeddedNode, type EmbeddedNodeComponents } from './embedded-node.ts'
export { EXIT_CODES } from './exit-code.ts'
