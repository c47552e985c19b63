import { relative, resolve } from 'node:path'
import type { TestEvent } from 'node:test/reporters'
import { inspect } from 'node:util'

/** Lines of output kept of a test file, to be shown when a test in it fails. */
const MAX_OUTPUT_LINES = 200

/**
 * Reporter of `node --test`: tells what failed and where, with what the file printed, and nothing of what
 * passed, except the names of tests when `TEST_PROGRESS` is set (for runs that take long).
 */
export default async function* compact(source: AsyncIterable<TestEvent>): AsyncGenerator<string> {
  const printed = new Map<string, string[]>()
  const failedFiles = new Set<string>()
  const progress = process.env.TEST_PROGRESS === '1'
  for await (const event of source) {
    if (event.type === 'test:stdout' || event.type === 'test:stderr') {
      keepLines(printed, event.data.file, event.data.message)
    } else if (event.type === 'test:pass' && event.data.details.type !== 'suite') {
      if (progress)
        yield `  ✔ ${event.data.name} (${seconds(event.data.details.duration_ms)})${note(event.data)}\n`
      else if (isLeftOut(event.data)) yield `  − ${event.data.name}${note(event.data)}\n`
    } else if (event.type === 'test:fail' && !isOfSubtests(event.data.details.error)) {
      if (event.data.file !== undefined) failedFiles.add(resolve(event.data.file))
      yield failure(event.data)
    }
  }
  for (const file of failedFiles) yield output(file, printed.get(file) ?? [])
}

interface Marked {
  readonly skip?: string | boolean
  readonly todo?: string | boolean
}

const isLeftOut = ({ skip, todo }: Marked): boolean => (skip ?? false) !== false || (todo ?? false) !== false

function note(test: Marked): string {
  if (!isLeftOut(test)) return ''
  const reason = [test.skip, test.todo].find((text) => typeof text === 'string' && text !== '')
  return reason === undefined ? ' — skipped' : ` — skipped: ${reason}`
}

const seconds = (ms: number): string => `${(ms / 1_000).toFixed(1)} s`

/** A parent fails because its subtests did; they have told why. */
const isOfSubtests = (error: Error): boolean =>
  (error as { failureType?: string }).failureType === 'subtestsFailed'

type Failure = Extract<TestEvent, { type: 'test:fail' }>['data']

function failure({ name, file, line, details }: Failure): string {
  const place = file === undefined ? '' : ` (${relative(process.cwd(), file)}:${line ?? 1})`
  return `  ✖ ${name}${place}\n${indent(reasonOf(details.error))}\n`
}

/** Message and place without the frames of the test runner; what caused it in full. */
function reasonOf(error: Error): string {
  const { cause } = error
  if ((error as { failureType?: string }).failureType === 'cancelledByParent')
    return 'cancelled, see what it is part of'
  if (!(cause instanceof Error)) return String(cause ?? error)
  const stack = (cause.stack ?? String(cause))
    .split('\n')
    .filter((line) => !/^\s+at .*node:(internal|async_hooks)/.test(line))
  const inner = cause.cause === undefined ? '' : `\ncaused by ${inspect(cause.cause)}`
  return stack.join('\n') + inner
}

const indent = (text: string): string => text.replace(/^/gm, '      ')

function keepLines(printed: Map<string, string[]>, file: string | undefined, text: string): void {
  if (file === undefined) return
  // Depending on the event the path is relative or absolute.
  const path = resolve(file)
  const lines = printed.get(path) ?? []
  lines.push(...text.split('\n').filter((line) => line !== ''))
  printed.set(path, lines.slice(-MAX_OUTPUT_LINES))
}

function output(file: string, lines: readonly string[]): string {
  if (lines.length === 0) return ''
  return `  printed by ${relative(process.cwd(), file)} (its end):\n${indent(lines.join('\n'))}\n`
}
