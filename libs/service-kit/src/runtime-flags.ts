/**
 * Settings of V8 for programs that move frames all day. With its default of 16 MiB the young generation takes 48 MiB and more
 * that such a program has no use for: what it allocates dies at once.
 */
const RUNTIME_FLAGS = ['--max-semi-space-size=2'] as const

/** One arena of malloc for all threads (glibc, mallopt(3)): the others only hold on to buffers that were freed. Whoever set it knows better. */
const RUNTIME_ENVIRONMENT = { MALLOC_ARENA_MAX: '1' } as const

/** The process, as far as a restart touches it. Tests give another one. */
export interface RestartableProcess {
  readonly execPath: string
  readonly execArgv: readonly string[]
  readonly argv: readonly string[]
  readonly env: Readonly<Record<string, string | undefined>>
  /** execve(2); Node has it where the system has. */
  readonly execve?: (file: string, args: string[], env: Record<string, string>) => void
}

/**
 * Starts the program anew with the settings above, in the same process and with the same arguments; returns where it has them already,
 * or where the system cannot. They cannot be set later: V8 lays out its heap as it starts. Costs 30 ms, so it is for services, not
 * for commands, and the first thing that they do.
 */
export function restartWithRuntimeFlags(program: RestartableProcess = process as RestartableProcess): void {
  const missing = RUNTIME_FLAGS.filter((flag) => !program.execArgv.includes(flag))
  if (missing.length === 0 || program.execve === undefined) return
  const args = [program.execPath, ...missing, ...program.execArgv, ...program.argv.slice(1)]
  const env = { ...RUNTIME_ENVIRONMENT, ...program.env }
  program.execve(program.execPath, args, definedOnly(env))
}

function definedOnly(env: Readonly<Record<string, string | undefined>>): Record<string, string> {
  return Object.fromEntries(
    Object.entries(env).filter((entry): entry is [string, string] => entry[1] !== undefined),
  )
}
