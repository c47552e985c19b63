import { Command, Option } from 'commander'
import type { CommandContext } from '../command-context.ts'
import { withExamples } from '../help-examples.ts'
import { type HttpAddress, parseHttpAddress } from '../http-address.ts'

export interface UpOptions {
  readonly listen?: string[]
  readonly bootstrap?: string[]
  readonly mdns: boolean
  readonly http?: HttpAddress | false
  readonly logFormat?: 'json' | 'pretty'
}

export const upCommand = (context: CommandContext): Command =>
  withExamples(
    new Command('up')
      .description(
        'Run the node of this host in the foreground: trunks, VLANs, control socket, metrics. Stops on Ctrl-C or SIGTERM.',
      )
      .addOption(repeated('--listen <multiaddr>', 'address to listen on for trunks; may be repeated'))
      .addOption(repeated('--bootstrap <multiaddr>', 'peer to keep a trunk to; may be repeated'))
      .option('--no-mdns', 'do not look for peers on the local network')
      .addOption(
        new Option(
          '--http <address>',
          'host:port of /healthz, /readyz and /metrics (default: 127.0.0.1:9474)',
        ).argParser(parseHttpAddress),
      )
      .option('--no-http', 'serve none of them')
      .addOption(new Option('--log-format <format>', 'how the log looks').choices(['json', 'pretty']))
      .action(async (options: UpOptions, command: Command) => {
        const { runNode } = await import('../run-node.ts')
        await runNode(context, command, options)
      })
      .addHelpText('after', CONFIGURATION_HELP),
    [
      ['sudo wakunet up', 'peers on the same network find each other by mDNS'],
      ['sudo wakunet up --bootstrap /ip4/192.0.2.7/tcp/4740', 'and keep a trunk to a peer elsewhere'],
      ['sudo wakunet up --config /etc/wakunet/wakunet.yaml', 'configured by a file'],
      ['wakunet up --json', 'prints one line of JSON on stdout when it is up'],
    ],
  )

const CONFIGURATION_HELP = `
Configuration: flags win over the environment (WAKUNET_TRUNK_BOOTSTRAP=...), the environment over the file
(--config, WAKUNET_CONFIG, or /etc/wakunet/wakunet.yaml; ~/.config/wakunet/wakunet.yaml for users).
All keys: services/wakunet/README.md`

const repeated = (flags: string, description: string): Option =>
  new Option(flags, description).argParser((value: string, earlier: string[] | undefined) => [
    ...(earlier ?? []),
    value,
  ])
