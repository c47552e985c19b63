import path from 'node:path'

/** What decides where a node keeps its things. */
export interface PathSurroundings {
  readonly env: Readonly<NodeJS.ProcessEnv>
  readonly isRoot: boolean
  readonly home: string
}

/** The system's own folders for root, those of the XDG base directory specification for anybody else. */
export const defaultStateDir = ({ env, isRoot, home }: PathSurroundings): string =>
  isRoot ? '/var/lib/wakunet' : path.join(env.XDG_STATE_HOME || path.join(home, '.local/state'), 'wakunet')

export const defaultConfigFile = ({ env, isRoot, home }: PathSurroundings): string =>
  isRoot
    ? '/etc/wakunet/wakunet.yaml'
    : path.join(env.XDG_CONFIG_HOME || path.join(home, '.config'), 'wakunet/wakunet.yaml')

/**
 * Beside the state where somebody chose its folder, so that `--state-dir` alone keeps two nodes of one host
 * apart; in the run directory otherwise.
 */
export const defaultControlSocket = (
  surroundings: PathSurroundings,
  stateDir: string | undefined,
): string => {
  if (stateDir !== undefined) return path.join(path.resolve(stateDir), 'wakunet.sock')
  if (surroundings.isRoot) return '/run/wakunet/wakunet.sock'
  const runDir = surroundings.env.XDG_RUNTIME_DIR
  return runDir
    ? path.join(runDir, 'wakunet/wakunet.sock')
    : path.join(defaultStateDir(surroundings), 'wakunet.sock')
}
