import path from 'node:path'
import { loadConfig } from '@wakunet/service-kit'
import { z } from 'zod'
import { configFile, surroundingsOf } from './config-source.ts'
import { defaultControlSocket } from './default-paths.ts'
import type { GlobalOptions } from './global-options.ts'

/** Where a command finds the node: the control socket of `wakunet up`, or the bus of separate services. */
export type ClientTarget =
  | { readonly kind: 'socket'; readonly path: string }
  | { readonly kind: 'bus'; readonly url: string }

/**
 * Of the node's configuration only what leads to it: the sections of its services are looked at by `wakunet up`,
 * so that a fault there does not keep anybody from asking a running node.
 */
const clientConfigSchema = z.strictObject({
  stateDir: z.string().min(1).max(4096).optional(),
  controlSocket: z.string().min(1).max(107).optional(),
  trunk: z.unknown().optional(),
  switch: z.unknown().optional(),
  http: z.unknown().optional(),
  log: z.unknown().optional(),
})

/** @throws ConfigError */
export const findTarget = async (
  options: GlobalOptions,
  env: Readonly<NodeJS.ProcessEnv>,
): Promise<ClientTarget> => {
  if (options.socket === undefined) {
    const url = options.bus ?? env.WAKUNET_BUS
    if (url !== undefined && url !== '') return { kind: 'bus', url }
  }
  const surroundings = surroundingsOf(env)
  const { stateDir, controlSocket } = await loadConfig({
    schema: clientConfigSchema,
    file: configFile({ file: options.config, env }, surroundings),
    env: pick(env, ['WAKUNET_STATE_DIR', 'WAKUNET_CONTROL_SOCKET']),
    flags: [
      { flag: '--state-dir', key: 'stateDir', value: options.stateDir },
      { flag: '--socket', key: 'controlSocket', value: options.socket },
    ],
  })
  return { kind: 'socket', path: path.resolve(controlSocket ?? defaultControlSocket(surroundings, stateDir)) }
}

const pick = (env: Readonly<NodeJS.ProcessEnv>, names: readonly string[]): NodeJS.ProcessEnv =>
  Object.fromEntries(names.map((name) => [name, env[name]]))
