import type { FoundVlan, ReplyOf } from '@wakunet/bus'
import { WakunetError } from '@wakunet/interface'
import { Command, InvalidArgumentError, Option } from 'commander'
import { secondsArgument } from '../arguments.ts'
import { type CommandContext, withClient } from '../command-context.ts'
import { withExamples } from '../help-examples.ts'
import { printable } from '../printable.ts'
import type { Style } from '../style.ts'
import { formatTable } from '../table.ts'

interface BrowseOptions {
  readonly limit: number
  readonly timeout: number
}

const MAX_QUERY_LENGTH = 128
const DEFAULT_LIMIT = 50
const MAX_LIMIT = 1_024
const DEFAULT_TIMEOUT_MS = 3_000
const REPLY_MARGIN_MS = 5_000
const MAX_DESCRIPTION_COLUMNS = 40

export const vlanBrowseCommand = (context: CommandContext): Command =>
  withExamples(
    new Command('browse')
      .description('Search the VLANs that their owners have published. Names are not unique: join by id.')
      .argument('[words...]', 'words of its name or description; none: all')
      .addOption(
        new Option('--limit <number>', 'VLANs to show at the most')
          .argParser(limitArgument)
          .default(DEFAULT_LIMIT),
      )
      .addOption(
        new Option('--timeout <seconds>', 'how long to ask peers; 0: what this node has heard of alone')
          .argParser(secondsArgument)
          .default(DEFAULT_TIMEOUT_MS, '3'),
      )
      .action(async (words: readonly string[], options: BrowseOptions, command: Command) => {
        const query = queryOf(words)
        await withClient(context, command, async (client, output) => {
          const { limit, timeout } = options
          const found = await client.request(
            'directory.search',
            { query, limit, timeoutMs: timeout },
            { timeoutMs: timeout + REPLY_MARGIN_MS },
          )
          output.result(found, (style) => describe(found, style))
          if (found.vlans.some(({ alike }) => alike))
            output.note('Names marked with ! look like those of other VLANs: tell them apart by their ids.')
        })
      }),
    [
      ['wakunet vlan browse', 'published VLANs'],
      ['wakunet vlan browse chess club', 'those with both words'],
      ['wakunet vlan browse --json --limit 1024 | jq -r .vlans[].ref', 'their ids'],
    ],
  )

const queryOf = (words: readonly string[]): string => {
  const query = words.join(' ')
  if (query.length <= MAX_QUERY_LENGTH) return query
  throw new WakunetError(
    'ERR_USAGE',
    `argument 'words' is too long: all of them have at most ${MAX_QUERY_LENGTH} characters`,
  )
}

const limitArgument = (text: string): number => {
  const limit = /^\d{1,4}$/.test(text) ? Number(text) : Number.NaN
  if (limit >= 1 && limit <= MAX_LIMIT) return limit
  throw new InvalidArgumentError(`It must be a whole number from 1 to ${MAX_LIMIT}.`)
}

const describe = ({ vlans, listed }: ReplyOf<'directory.search'>, style: Style): readonly string[] => {
  if (vlans.length === 0)
    return [
      listed === 0
        ? 'No VLAN is published as far as this node has heard. Publish one with "wakunet vlan publish NAME".'
        : `None of ${listed} published VLANs fits.`,
    ]
  return formatTable(
    ['VLAN', 'SUBNET', 'ICON', 'KNOWN', 'ID', 'DESCRIPTION'],
    vlans.map((vlan) => row(vlan, style)),
  )
}

const row = (vlan: FoundVlan, style: Style): readonly string[] => [
  vlan.alike ? `${printable(vlan.name)} ${style.warning('!')}` : printable(vlan.name),
  vlan.subnet4,
  vlan.icon === null ? '-' : vlan.icon.type,
  vlan.known ? 'yes' : '-',
  vlan.ref,
  shortened(printable(vlan.description)),
]

const shortened = (text: string): string =>
  text.length <= MAX_DESCRIPTION_COLUMNS ? text : `${text.slice(0, MAX_DESCRIPTION_COLUMNS - 1)}…`
