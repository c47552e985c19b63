import path from 'node:path'
import { httpConfigSchema, loadConfig, logConfigSchema } from '@wakunet/service-kit'
import { trunkPeerConfigSchema } from '@wakunet/trunk-peer'
import { vlanSwitchConfigSchema } from '@wakunet/vlan-switch'
import { z } from 'zod'
import { COMMAND_LINE_VARIABLES, type ConfigSource, configFile, surroundingsOf } from './config-source.ts'
import { defaultControlSocket, defaultStateDir } from './default-paths.ts'

/** Configuration of `wakunet up`: the sections of the services that run inside it, and what they share. */
export const nodeConfigSchema = z.strictObject({
  stateDir: z
    .string()
    .min(1)
    .max(4096)
    .optional()
    .describe(
      'folder of the node key and its VLANs; /var/lib/wakunet for root, ~/.local/state/wakunet otherwise',
    ),
  controlSocket: z
    .string()
    .min(1)
    .max(107)
    .optional()
    .describe(
      'Unix socket that the command line talks to; wakunet.sock in a stateDir that was given, or in the run directory',
    ),
  trunk: trunkPeerConfigSchema.prefault({}),
  switch: vlanSwitchConfigSchema.prefault({}),
  http: httpConfigSchema
    .extend({ enabled: z.boolean().default(true).describe('serve /healthz, /readyz and /metrics') })
    .prefault({}),
  log: logConfigSchema
    .extend({
      format: logConfigSchema.shape.format
        .unwrap()
        .optional()
        .describe('pretty on a terminal, json otherwise'),
    })
    .prefault({}),
})

type ParsedConfig = z.output<typeof nodeConfigSchema>

/** With every path decided. */
export interface NodeConfig extends Omit<ParsedConfig, 'stateDir' | 'controlSocket'> {
  readonly stateDir: string
  readonly controlSocket: string
}

/** @throws ConfigError with every fault at once */
export const loadNodeConfig = async (source: ConfigSource): Promise<NodeConfig> => {
  const surroundings = surroundingsOf(source.env)
  const parsed = await loadConfig({
    schema: nodeConfigSchema,
    file: configFile(source, surroundings),
    env: source.env,
    otherVariables: COMMAND_LINE_VARIABLES,
    flags: source.flags,
  })
  return {
    ...parsed,
    stateDir: path.resolve(parsed.stateDir ?? defaultStateDir(surroundings)),
    controlSocket: path.resolve(parsed.controlSocket ?? defaultControlSocket(surroundings, parsed.stateDir)),
  }
}
