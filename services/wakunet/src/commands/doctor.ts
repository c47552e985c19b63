import { Command } from 'commander'
import type { CommandContext } from '../command-context.ts'
import { withExamples } from '../help-examples.ts'

export const doctorCommand = (context: CommandContext): Command =>
  withExamples(
    new Command('doctor')
      .description(
        'Check this host (tun device, privileges, ports, clock, MTU, ...) and say what to do; explain peers without a trunk.',
      )
      .action(async (_options: unknown, command: Command) => {
        const { runDoctor } = await import('../doctor/run-doctor.ts')
        await runDoctor(context, command)
      }),
    [
      ['wakunet doctor', 'ok, WARN or FAIL for each check, with what to do'],
      ['wakunet doctor --json', 'one JSON object: ok, checks; exit 1 if any failed'],
    ],
  )
