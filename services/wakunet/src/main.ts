import { runCommandLine } from './command-line.ts'
import { processContext } from './process-context.ts'

// Whoever reads the output may have seen enough, as `head` does.
process.stdout.on('error', () => process.exit())

process.exitCode = await runCommandLine(process.argv.slice(2), processContext(process))
