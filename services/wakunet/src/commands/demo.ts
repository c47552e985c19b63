import { Command } from 'commander'
import type { CommandContext } from '../command-context.ts'
import { withExamples } from '../help-examples.ts'

interface DemoOptions {
  readonly once?: true
  readonly userNamespace?: true
  readonly keepLogs?: string
}

export const demoCommand = (context: CommandContext): Command =>
  withExamples(
    new Command('demo')
      .description(
        'Run the main job on this machine alone: three hosts, a node on each, one VLAN, a live view.',
      )
      .option('--once', 'no live view: measure once, print the report; exit 0 only if every ping came back')
      .option('--user-namespace', 'without root, where the kernel allows user namespaces')
      .option('--keep-logs <dir>', 'keep the logs of the nodes there')
      .action(async (options: DemoOptions, command: Command) => {
        const { runDemo } = await import('../demo/run-demo.ts')
        await runDemo(context, command, options)
      }),
    [
      ['wakunet demo', 'live view; q or Ctrl-C ends it and leaves nothing behind'],
      ['wakunet demo --once --json', 'one JSON object: ok, vlan, hosts, pings, throughputMbps, throughput'],
      ['wakunet demo --user-namespace', 'as an ordinary user'],
      ['wakunet demo --once --keep-logs /tmp/demo-logs', 'with the logs of the three nodes'],
    ],
  )
