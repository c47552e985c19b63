import { parseArgs } from 'node:util'
import { WakunetError } from '@wakunet/interface'

/** What the command line asks for. */
export interface BenchOptions {
  readonly help: boolean
  /** Names of systems, in the order of the command line; empty for all. */
  readonly only: readonly string[]
  readonly quick: boolean
  readonly runs: number
  /** Whether the command line says how many runs. */
  readonly runsGiven: boolean
  /** Null for none. */
  readonly jsonFile: string | null
  readonly install: boolean
  readonly stages: boolean
  /** Names of suites; empty for the comparison of systems. */
  readonly suites: readonly string[]
  /** A commit whose nodes are measured in the same run; null for none. */
  readonly against: string | null
}

/** What the command line may name. */
export interface Names {
  readonly systems: readonly string[]
  readonly suites: readonly { readonly name: string; readonly about: string }[]
}

export const DEFAULT_RUNS = 3
const MAX_RUNS = 100

/** @throws WakunetError `ERR_USAGE` that names the argument and what would be right */
export function parseOptions(argv: readonly string[], names: Names): BenchOptions {
  const values = parseArguments(argv)
  const quick = values.quick ?? false
  const suites = names.suites.map(({ name }) => name)
  const options = {
    help: values.help ?? false,
    only: parseNames('--only', 'system', values.only, names.systems),
    quick,
    runs: values.runs === undefined ? (quick ? 1 : DEFAULT_RUNS) : parseRuns(values.runs),
    runsGiven: values.runs !== undefined,
    jsonFile: parseFile(values.json),
    install: values.install ?? false,
    stages: values.stages ?? false,
    suites: values.suite === 'all' ? suites : parseNames('--suite', 'suite', values.suite, suites),
    against: parseCommit(values.against),
  }
  refuseTogether(options)
  return options
}

export function usage({ systems, suites }: Names): string {
  const width = Math.max(...suites.map(({ name }) => name.length))
  return `Usage: npm run bench -- [options]

Measures Wakunet and other overlays between two hosts on this machine, in the same run.

Options:
  --only NAME,...   only these systems: ${systems.join(', ')}
  --quick           one short run each
  --runs N          runs of each system, 1 to ${MAX_RUNS} (default ${DEFAULT_RUNS}; with --quick, and in suites, 1)
  --json FILE       write the figures to FILE too
  --install         install what is missing, with apt-get and below .cache/bench
  --against COMMIT  measure our systems (default: wakunet; see --only) and the same ones of another commit in turns
  --suite NAME,...  measure these instead; "all" for all of them:
${suites.map(({ name, about }) => `                      ${name.padEnd(width)}  ${about}`).join('\n')}
  --stages          measure the stages of the frame path one by one instead
  --help            this text

Examples:
  npm run bench -- --quick --only wakunet,tinc
  npm run bench -- --json bench/results/mine.json
  npm run bench -- --against HEAD~1 --runs 5
  npm run bench -- --suite all --against HEAD~1 --json bench/results/switch.json`
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
        suite: { type: 'string' },
        against: { type: 'string' },
      },
      strict: true,
      allowPositionals: false,
    }).values
  } catch (error) {
    throw new WakunetError('ERR_USAGE', (error as Error).message, { cause: error })
  }
}

function parseNames(
  option: string,
  kind: string,
  text: string | undefined,
  known: readonly string[],
): string[] {
  if (text === undefined) return []
  const names = [...new Set(text.split(',').map((name) => name.trim()))]
  for (const name of names) {
    if (known.includes(name)) continue
    throw new WakunetError(
      'ERR_USAGE',
      `${option}: there is no ${kind} "${name}". There are: ${known.join(', ')}.`,
    )
  }
  return names
}

/** A name for git, and not one of its options. */
function parseCommit(text: string | undefined): string | null {
  if (text === undefined) return null
  if (/^[\w@^~{}./][\w@^~{}./-]*$/.test(text)) return text
  throw new WakunetError('ERR_USAGE', `--against: "${text}" is not the name of a commit.`)
}

function refuseTogether({ suites, against, stages }: BenchOptions): void {
  if (!stages || (suites.length === 0 && against === null)) return
  throw new WakunetError('ERR_USAGE', '--stages is measured alone, without --suite and --against.')
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
