import type { ReplyOf, RequestBus, RequestName, RequestOf } from '@wakunet/bus'
import { WakunetError } from '@wakunet/interface'
import type { CommandLineContext } from '../src/command-line.ts'
import { runCommandLine } from '../src/command-line.ts'
import type { GlobalOptions } from '../src/global-options.ts'

/** What a fake node answers; a subject without an answer is refused as by a service that is away. */
export type Answers = { [S in RequestName]?: (payload: RequestOf<S>) => ReplyOf<S> | Promise<ReplyOf<S>> }

export interface CliRun {
  readonly code: number
  readonly stdout: string
  readonly stderr: string
  /** Requests that reached the node. */
  readonly requests: readonly { readonly subject: string; readonly payload: unknown }[]
  /** Options with which a connection was asked for. */
  readonly targets: readonly GlobalOptions[]
}

export interface CliSurroundings {
  readonly answers?: Answers
  readonly env?: NodeJS.ProcessEnv
  readonly isTTY?: boolean
  /** Instead of a fake node. */
  readonly openClient?: CommandLineContext['openClient']
}

/** Runs one command line in this process against a fake node. */
export const runCli = async (
  argv: readonly string[],
  surroundings: CliSurroundings = {},
): Promise<CliRun> => {
  const written = { stdout: '', stderr: '' }
  const requests: { subject: string; payload: unknown }[] = []
  const targets: GlobalOptions[] = []
  const stream = (name: 'stdout' | 'stderr') => ({
    isTTY: surroundings.isTTY ?? false,
    write: (text: string) => {
      written[name] += text
    },
  })
  const code = await runCommandLine(argv, {
    terminal: { stdout: stream('stdout'), stderr: stream('stderr'), env: surroundings.env ?? {} },
    self: ['node', 'main.ts'],
    openClient:
      surroundings.openClient ??
      (async (options) => {
        targets.push(options)
        return fakeClient(surroundings.answers ?? {}, requests)
      }),
    interruption: () => ({ signal: new AbortController().signal, [Symbol.dispose]: () => {} }),
  })
  return { code, ...written, requests, targets }
}

const fakeClient = (answers: Answers, requests: { subject: string; payload: unknown }[]): RequestBus => ({
  request: async (subject, payload) => {
    requests.push({ subject, payload })
    const answer = answers[subject]
    if (answer === undefined) throw new WakunetError('ERR_BUS_NO_RESPONDER', `nobody answers ${subject}`)
    return answer(payload)
  },
  start: async () => {},
  stop: async () => {},
})
