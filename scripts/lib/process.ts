import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { ROOT } from './projects.ts'

export interface RunOptions {
  readonly cwd?: string
  /** The command and its children are ended after that. */
  readonly timeoutMs: number
  /** Output is shown as it comes, or kept and returned. */
  readonly output: 'show' | 'keep'
}

export interface RunOutcome {
  readonly ok: boolean
  readonly output: string
}

/** What is kept of a command's output: the end. */
const MAX_OUTPUT_CHARS = 200_000
/** Biome, tsc, knip and Nx. */
const TOOLS = join(ROOT, 'node_modules/.bin')
const KILL_AFTER_MS = 10_000

/** Runs a command in a process group of its own, so that a timeout ends all of it. */
export async function run(
  command: string,
  args: readonly string[],
  options: RunOptions,
): Promise<RunOutcome> {
  const stdio = options.output === 'show' ? 'inherit' : 'pipe'
  const child = spawn(command, args, {
    cwd: options.cwd,
    stdio: ['ignore', stdio, stdio],
    detached: true,
    env: { ...process.env, PATH: `${TOOLS}:${process.env.PATH ?? ''}` },
  })
  let output = ''
  const keep = (chunk: Buffer) => {
    output = (output + chunk.toString()).slice(-MAX_OUTPUT_CHARS)
  }
  child.stdout?.on('data', keep)
  child.stderr?.on('data', keep)
  const endGroup = (signal: NodeJS.Signals) => {
    try {
      if (child.pid !== undefined) process.kill(-child.pid, signal)
    } catch {
      // It has ended by itself.
    }
  }
  const forward = (signal: NodeJS.Signals) => endGroup(signal)
  process.on('SIGINT', forward).on('SIGTERM', forward)
  let late = false
  const timers = [
    setTimeout(() => {
      late = true
      endGroup('SIGTERM')
    }, options.timeoutMs),
    setTimeout(() => endGroup('SIGKILL'), options.timeoutMs + KILL_AFTER_MS),
  ]
  try {
    const [code] = (await once(child, 'close')) as [number | null]
    if (late) output += `\nended after ${options.timeoutMs / 1_000} s: it took too long\n`
    return { ok: code === 0 && !late, output }
  } finally {
    for (const timer of timers) clearTimeout(timer)
    process.off('SIGINT', forward).off('SIGTERM', forward)
  }
}
