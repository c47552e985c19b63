import { parseArgs } from 'node:util'
import { NatsBus, natsConnection } from '@wakunet/bus'
import { type LaneServer, type Logger, WakunetError } from '@wakunet/interface'
import { NatsLaneServer, UnixLaneServer } from '@wakunet/lane'
import {
  type BuiltService,
  createLogger,
  HttpEndpoints,
  loadConfig,
  lockStateDirectory,
  MetricsRegistry,
  systemClock,
} from '@wakunet/service-kit'
import { exposeTrunkPeerMetrics } from './metrics.ts'
import { type ProcessConfig, processConfigSchema } from './process-config.ts'
import { TrunkPeer } from './trunk-peer.ts'

const USAGE = `trunk-peer: libp2p host, trunks and VLAN directory of a node

Usage: trunk-peer [--config FILE]

Configuration comes from FILE (YAML) and from WAKUNET_* variables; README.md lists the keys.`

/** Reads the configuration and wires trunk-peer as a process of its own. */
export async function buildService(argv: string[], env: NodeJS.ProcessEnv): Promise<BuiltService> {
  const config = await loadConfig({
    schema: processConfigSchema,
    file: configFile(argv),
    env,
    otherVariables: ['WAKUNET_CONFIG'],
  })
  const clock = systemClock
  const logger = createLogger({ name: 'wakunet:trunk-peer', ...config.log })
  const lock = await lockStateDirectory(config.stateDir)
  const metrics = new MetricsRegistry({ processMetrics: true })
  const bus = new NatsBus({
    ...natsConnection(config.bus),
    role: 'trunk-peer',
    logger: logger.child('bus'),
    clock,
  })
  const lane = openLane(config, logger)
  const service = new TrunkPeer(
    { bus, lane, clock, logger, registry: metrics.prometheus },
    { config: config.trunk, stateDir: config.stateDir },
  )
  exposeTrunkPeerMetrics(metrics, service)
  const http = new HttpEndpoints(
    {
      logger: logger.child('http'),
      metrics,
      readiness: () => ({
        ready: service.started && bus.connected,
        reasons: [
          ...(service.started ? [] : ['starting']),
          ...(bus.connected ? [] : ['no connection to NATS']),
        ],
      }),
    },
    config.http,
  )
  return {
    logger,
    clock,
    parts: [
      { name: 'state-lock', part: { start: async () => {}, stop: async () => lock.release() } },
      { name: 'http', part: http },
      { name: 'bus', part: bus },
      { name: 'lane', part: lane },
      { name: 'trunk-peer', part: service },
    ],
  }
}

function openLane({ lane, bus }: ProcessConfig, logger: Logger): LaneServer {
  const components = { logger: logger.child('lane'), clock: systemClock }
  return lane.kind === 'unix'
    ? new UnixLaneServer({ path: lane.path, ...components })
    : new NatsLaneServer({ ...natsConnection(bus), ...components })
}

function configFile(argv: string[]): { path: string; required: boolean } | undefined {
  try {
    const { values } = parseArgs({
      args: argv,
      options: { config: { type: 'string' }, help: { type: 'boolean' } },
    })
    if (values.help === true) {
      process.stdout.write(`${USAGE}\n`)
      process.exit(0)
    }
    const path = values.config ?? process.env.WAKUNET_CONFIG
    return path === undefined ? undefined : { path, required: true }
  } catch (cause) {
    throw new WakunetError('ERR_USAGE', `${(cause as Error).message}\n\n${USAGE}`, { cause })
  }
}
