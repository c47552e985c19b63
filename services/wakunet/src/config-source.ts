import { homedir } from 'node:os'
import type { ConfigFlag } from '@wakunet/service-kit'
import { defaultConfigFile, type PathSurroundings } from './default-paths.ts'

/** Where the configuration comes from. */
export interface ConfigSource {
  readonly env: Readonly<NodeJS.ProcessEnv>
  /** File that the user named, if any. */
  readonly file: string | undefined
  readonly flags: readonly ConfigFlag[]
}

/** Variables with our prefix that configure the command line, not the node. */
export const COMMAND_LINE_VARIABLES = ['WAKUNET_CONFIG', 'WAKUNET_BUS'] as const

export const surroundingsOf = (env: Readonly<NodeJS.ProcessEnv>): PathSurroundings => ({
  env,
  isRoot: process.getuid?.() === 0,
  home: env.HOME || homedir(),
})

export const configFile = (
  { file, env }: Pick<ConfigSource, 'file' | 'env'>,
  surroundings: PathSurroundings,
): { readonly path: string; readonly required: boolean } => {
  const named = file ?? env.WAKUNET_CONFIG
  return named === undefined || named === ''
    ? { path: defaultConfigFile(surroundings), required: false }
    : { path: named, required: true }
}
