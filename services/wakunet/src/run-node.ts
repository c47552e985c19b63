import { once } from 'node:events'
import type { Logger } from '@wakunet/interface'
import { openTap } from '@wakunet/netio'
import { type ConfigFlag, createLogger, systemClock } from '@wakunet/service-kit'
import { hostNetworks } from '@wakunet/vlan-switch'
import type { Command } from 'commander'
import { type CommandContext, outputOf } from './command-context.ts'
import type { UpOptions } from './commands/up.ts'
import { loadNodeConfig } from './config.ts'
import { EmbeddedNode } from './embedded-node.ts'
import { EXIT_CODES } from './exit-code.ts'
import { type GlobalOptions, globalOptionsOf } from './global-options.ts'
import { readTapAccess, requireTapAccess } from './tap-access.ts'
import type { Output } from './terminal.ts'

/** Runs the embedded node until somebody wants it to end. */
export const runNode = async (
  context: CommandContext,
  command: Command,
  options: UpOptions,
): Promise<void> => {
  const { env, stderr } = context.terminal
  const globals = globalOptionsOf(command)
  const config = await loadNodeConfig({ env, file: globals.config, flags: configFlags(globals, options) })
  requireTapAccess(readTapAccess(), 'wakunet up')
  const logger = createLogger({
    name: 'wakunet',
    level: config.log.level,
    format: config.log.format ?? (stderr.isTTY === true ? 'pretty' : 'json'),
  })
  using interruption = context.interruption()
  using _ = exitOnUncaught(logger)
  await runUntil(
    interruption.signal,
    new EmbeddedNode({ logger, clock: systemClock, openTap, hostNetworks }, config),
    logger,
    (node) => announce(node, outputOf(context, command)),
  )
}

const runUntil = async (
  signal: AbortSignal,
  node: EmbeddedNode,
  logger: Logger,
  onUp: (node: EmbeddedNode) => Promise<void>,
): Promise<void> => {
  try {
    await node.start(signal)
    await onUp(node)
    // Nothing else is sure to keep the process alive: timers of a node do not.
    const keepAlive = setInterval(() => {}, 2 ** 30)
    if (!signal.aborted) await once(signal, 'abort')
    clearInterval(keepAlive)
    logger.info('stopping')
  } catch (error) {
    if (!signal.aborted) throw error
  } finally {
    await node.stop()
  }
}

/** An error that nobody caught leaves the node in a state that nobody knows: it ends, and says so in the log. */
const exitOnUncaught = (logger: Logger): Disposable => {
  const onUncaught = (error: unknown): void => {
    logger.error('uncaught error, exiting', { error })
    process.exit(EXIT_CODES.failed)
  }
  process.on('uncaughtException', onUncaught)
  return { [Symbol.dispose]: () => process.off('uncaughtException', onUncaught) }
}

const announce = async (node: EmbeddedNode, output: Output): Promise<void> => {
  const { config } = node
  const status = await node.status()
  output.result(
    {
      event: 'up',
      nodeId: status.nodeId,
      peerId: status.peerId,
      addresses: status.addresses,
      controlSocket: config.controlSocket,
      stateDir: config.stateDir,
      http: node.httpAddress,
      pid: process.pid,
    },
    (style) => [
      `${style.good('wakunet is up')}: node ${status.nodeId}, peer ${status.peerId}`,
      ...status.addresses.map((address) => `  listens on ${address}`),
      `  control socket ${config.controlSocket}${node.httpAddress === null ? '' : `, metrics http://${node.httpAddress}/metrics`}`,
    ],
  )
}

const configFlags = (globals: GlobalOptions, options: UpOptions): readonly ConfigFlag[] => {
  const http = options.http === false ? undefined : options.http
  return [
    { flag: '--state-dir', key: 'stateDir', value: globals.stateDir },
    { flag: '--socket', key: 'controlSocket', value: globals.socket },
    { flag: '--log-level', key: 'log.level', value: globals.logLevel },
    { flag: '--log-format', key: 'log.format', value: options.logFormat },
    { flag: '--listen', key: 'trunk.listen', value: options.listen },
    { flag: '--bootstrap', key: 'trunk.bootstrap', value: options.bootstrap },
    { flag: '--no-mdns', key: 'trunk.mdns', value: options.mdns ? undefined : false },
    { flag: '--no-http', key: 'http.enabled', value: options.http === false ? false : undefined },
    { flag: '--http', key: 'http.host', value: http?.host },
    { flag: '--http', key: 'http.port', value: http?.port },
  ]
}
