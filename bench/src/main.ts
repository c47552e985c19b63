import { EXIT, errorText, exitCodeOf } from '@wakunet/service-kit'
import { parseOptions, usage } from './options.ts'
import { runBench } from './run-bench.ts'
import { runStages } from './run-stages.ts'
import { runSuites } from './run-suites.ts'
import { SUITES, suitesOf } from './suites.ts'
import { SYSTEMS } from './systems/index.ts'

/** As a shell shows a program that Ctrl-C ended. */
const EXIT_INTERRUPTED = 130

const names = { systems: SYSTEMS.map(({ name }) => name), suites: SUITES }

const stopping = new AbortController()

async function main(): Promise<number> {
  const options = parseOptions(process.argv.slice(2), names)
  if (options.help) {
    console.log(usage(names))
    return EXIT.ok
  }
  // A second signal finds no handler, and the lab's own removes everything at once.
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => stopping.abort())
  const output = {
    print: (text: string) => console.log(text),
    progress: (text: string) => console.error(text),
  }
  if (options.stages) {
    output.print(await runStages(options, stopping.signal))
    return EXIT.ok
  }
  if (options.suites.length > 0 || options.against !== null) {
    const { failures } = await runSuites(options, suitesOf(options), output, stopping.signal)
    return failures.length > 0 ? EXIT.failed : EXIT.ok
  }
  const report = await runBench(options, SYSTEMS, output, stopping.signal)
  return report.failures.length > 0 || Object.keys(report.systems).length === 0 ? EXIT.failed : EXIT.ok
}

try {
  process.exitCode = await main()
} catch (error) {
  const interrupted = stopping.signal.aborted
  console.error(`bench: ${interrupted ? 'interrupted, nothing is left behind' : errorText(error)}`)
  process.exitCode = interrupted ? EXIT_INTERRUPTED : exitCodeOf(error)
}
