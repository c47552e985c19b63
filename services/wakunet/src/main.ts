import { restartWithRuntimeFlags } from '@wakunet/service-kit'
import { runCommandLine } from './command-line.ts'
import { processContext } from './process-context.ts'

// Only the node runs for long; commands are over sooner than a restart.
if (process.argv.slice(2).includes('up')) restartWithRuntimeFlags()

// Whoever reads the output may have seen enough, as `head` does.
process.stdout.on('error', () => process.exit())

process.exitCode = await runCommandLine(process.argv.slice(2), processContext(process))
