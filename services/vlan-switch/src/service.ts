import { randomBytes } from 'node:crypto'
import { hostname } from 'node:os'
import { parseArgs } from 'node:util'
import { NatsBus, natsConnection } from '@wakunet/bus'
import { type LaneClient, type Logger, WakunetError } from '@wakunet/interface'
import { NatsLaneClient, UnixLaneClient } from '@wakunet/lane'
import { openTap } from '@wakunet/netio'
import {
  type BuiltService,
  createLogger,
  HttpEndpoints,
  loadConfig,
  lockStateDirectory,
  MetricsRegistry,
  type Readiness,
  systemClock,
} from '@wakunet/service-kit'
import { hostNetworks } from './host-networks.ts'
import { exposeVlanSwitchMetrics } from './metrics.ts'
import { type ProcessConfig, processConfigSchema } from './process-config.ts'
import { VlanSwitch, type VlanSwitchStatus } from './vlan-switch.ts'

/** Name under which this switch attaches to the frame lane. */
const LANE_NAME = 'vlan-switch'

const USAGE = `vlan-switch: the interfaces of the joined VLANs of a host

Usage: vlan-switch [--config FILE]

Configuration comes from FILE (YAML) and from WAKUNET_* variables; README.md lists the keys.`

/** Reads the configuration and wires vlan-switch as a process of its own. */
export async function buildService(argv: string[], env: NodeJS.ProcessEnv): Promise<BuiltService> {
  const config = await loadConfig({
    schema: processConfigSchema,
    file: configFile(argv, env),
    env,
    otherVariables: ['WAKUNET_CONFIG'],
  })
  const clock = systemClock
  const logger = createLogger({ name: 'wakunet:vlan-switch', ...config.log })
  const lock = await lockStateDirectory(config.stateDir)
  const metrics = new MetricsRegistry({ processMetrics: true })
  const bus = new NatsBus({
    ...natsConnection(config.bus),
    role: 'vlan-switch',
    logger: logger.child('bus'),
    clock,
  })
  const lane = openLane(config, logger)
  const service = new VlanSwitch(
    { bus, lane, clock, logger, random: randomBytes, openTap, hostNetworks },
    { config: config.switch, stateDir: config.stateDir, hostname: hostname() },
  )
  exposeVlanSwitchMetrics(metrics, service, lane)
  const readiness = (): Readiness => readinessOf(service.status)
  const http = new HttpEndpoints({ logger: logger.child('http'), metrics, readiness }, config.http)
  return {
    logger,
    clock,
    parts: [
      { name: 'state-lock', part: { start: async () => {}, stop: async () => lock.release() } },
      { name: 'http', part: http },
      { name: 'bus', part: bus },
      { name: 'lane', part: lane },
      { name: 'vlan-switch', part: service },
    ],
  }
}

/** Ready to carry traffic; a single interface that failed is told by its metric, not here. */
function readinessOf(status: VlanSwitchStatus): Readiness {
  const reasons = [
    ...(status.started ? [] : ['starting']),
    ...(status.laneConnected ? [] : ['no lane to trunk-peer']),
    ...(status.busConnected ? [] : ['no connection to NATS']),
  ]
  return { ready: reasons.length === 0, reasons }
}

function openLane({ lane, bus }: ProcessConfig, logger: Logger): LaneClient {
  const components = { name: LANE_NAME, logger: logger.child('lane'), clock: systemClock }
  return lane.kind === 'unix'
    ? new UnixLaneClient({ path: lane.path, ...components })
    : new NatsLaneClient({ ...natsConnection(bus), ...components })
}

function configFile(argv: string[], env: NodeJS.ProcessEnv): { path: string; required: boolean } | undefined {
  const options = { config: { type: 'string' }, help: { type: 'boolean' } } as const
  try {
    const { values } = parseArgs({ args: argv, options })
    if (values.help === true) {
      process.stdout.write(`${USAGE}\n`)
      process.exit(0)
    }
    const path = values.config ?? env.WAKUNET_CONFIG
    return path === undefined ? undefined : { path, required: true }
  } catch (cause) {
    throw new WakunetError('ERR_USAGE', `${(cause as Error).message}\n\n${USAGE}`, { cause })
  }
}
