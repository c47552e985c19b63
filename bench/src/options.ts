import { parseArgs } from 'node:util'
import { WakunetError } from '@wakunet/interface'

/** What the command line asks for. */
export interface BenchOptions {
  readonly help: boolean
  /** Names of systems, in the order of the command line; empty for all. */
  readonly only: readonly string[]
  readonly quick: boolean
  readonly runs: number
  /** Null for none. */
  readonly jsonFile: string | null
  readonly install: boolean
  readonly stages: boolean
}

export const DEFAULT_RUNS = 3
const MAX_RUNS = 100

/**
 * @param systems names that `--only` may name
 * @throws WakunetError `ERR_USAGE` that names the argument and what would be right
 */
export function parseOptions(argv: readonly string[], systems: readonly string[]): BenchOptions {
  const values = parseArguments(argv)
  const quick = values.quick ?? false
  return {
    help: values.help ?? false,
    only: parseOnly(values.only, systems),
    quick,
    runs: values.runs === undefined ? (quick ? 1 : DEFAULT_RUNS) : parseRuns(values.runs),
    jsonFile: parseFile(values.json),
    install: values.install ?? false,
    stages: values.stages ?? false,
  }
}

export function usage(systems: readonly string[]): string {
  return `Usage: npm run bench -- [options]

Measures Wakunet and other overlays between two hosts on this machine, in the same run.

Options:
  --only NAME,...  only these systems: ${systems.join(', ')}
  --quick          one short run each
  --runs N         runs of each system, 1 to ${MAX_RUNS} (default ${DEFAULT_RUNS}, with --quick 1)
  --json FILE      write the figures to FILE too
  --install        install what is missing, with apt-get and below .cache/bench
  --stages         measure the stages of the frame path one by one instead
  --help           this text

Examples:
  npm run bench -- --quick --only wakunet,tinc
  npm run bench -- --json bench/results/mine.json`
}

function parseArguments(argv: readonly string[]) {
  try {
    return parseArgs({
      args: [...argv],
      options: {
        help: { type: 'boolean', short: 'h' },
        only: { type: 'string' },
        quick: { type: 'boolean' },
        runs: { type: 'string' },
        json: { type: 'string' },
        install: { type: 'boolean' },
        stages: { type: 'boolean' },
      },
      strict: true,
      allowPositionals: false,
    }).values
  } catch (error) {
    throw new WakunetError('ERR_USAGE', (error as Error).message, { cause: error })
  }
}

function parseOnly(text: string | undefined, systems: readonly string[]): string[] {
  if (text === undefined) return []
  const names = [...new Set(text.split(',').map((name) => name.trim()))]
  for (const name of names) {
    if (!systems.includes(name)) {
      throw new WakunetError(
        'ERR_USAGE',
        `--only: there is no system "${name}". There are: ${systems.join(', ')}.`,
      )
    }
  }
  return names
}

function parseRuns(text: string): number {
  const runs = /^\d{1,3}$/.test(text) ? Number(text) : 0
  if (runs >= 1 && runs <= MAX_RUNS) return runs
  throw new WakunetError('ERR_USAGE', `--runs: "${text}" is not a number from 1 to ${MAX_RUNS}.`)
}

function parseFile(text: string | undefined): string | null {
  if (text === '') throw new WakunetError('ERR_USAGE', '--json: the file name is empty.')
  return text ?? null
}
