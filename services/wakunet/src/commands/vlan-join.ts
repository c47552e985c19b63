import type { PortInfo, RequestBus, RequestOf } from '@wakunet/bus'
import { looksLikeVlanLink, parseVlanLink } from '@wakunet/identity'
import { Command, Option } from 'commander'
import {
  type ArgumentOfError,
  addressArgument,
  bridgeArgument,
  interfaceArgument,
  isAddressMode,
  mtuArgument,
  namingArgument,
  secondsArgument,
  vlanOrLinkArgument,
} from '../arguments.ts'
import { type CommandContext, withClient } from '../command-context.ts'
import { withExamples } from '../help-examples.ts'
import { portTable } from '../port-table.ts'
import { printable } from '../printable.ts'
import type { Output } from '../terminal.ts'

interface JoinOptions {
  readonly address?: string
  readonly interface?: string
  readonly mtu?: number
  readonly bridge?: string
  readonly allowOverlap?: boolean
  readonly timeout: number
}

const DEFAULT_TIMEOUT_MS = 15_000
/** The node itself waits up to the timeout for the record, then builds the interface. */
const REPLY_MARGIN_MS = 15_000

export const vlanJoinCommand = (context: CommandContext): Command =>
  withExamples(
    new Command('join')
      .description('Join a VLAN: makes its network interface on this host and gives it addresses.')
      .argument(
        '<vlan>',
        'VLAN id, link, or the name of a VLAN that is known or published',
        vlanOrLinkArgument,
      )
      .addOption(
        new Option(
          '--address <cidr>',
          "IPv4 address with prefix length; auto (default); dhcp: asked by this host's own client; none",
        ).argParser(addressArgument),
      )
      .addOption(
        new Option('--interface <name>', 'name of the interface (default: wk-<vlan>)').argParser(
          interfaceArgument,
        ),
      )
      .addOption(
        new Option('--mtu <bytes>', "MTU of the interface (default: the VLAN's)").argParser(mtuArgument),
      )
      .addOption(
        new Option(
          '--bridge <name>',
          'make the interface a port of this Linux bridge: the LAN behind it joins the VLAN',
        ).argParser(bridgeArgument),
      )
      .option('--allow-overlap', "join although its subnet overlaps a network of this host's")
      .addOption(
        new Option('--timeout <seconds>', 'how long to look for the VLAN among peers')
          .argParser(secondsArgument)
          .default(DEFAULT_TIMEOUT_MS, '15'),
      )
      .action(async (vlan: string, options: JoinOptions, command: Command) => {
        await withClient(context, command, async (client, output) => {
          const link = looksLikeVlanLink(vlan) ? vlan.trim() : null
          const id = link === null ? vlan : await openLink(client, link, options.timeout, output)
          const port = await join(client, id, options)
          output.result(port, (style) => portTable([port], style))
        })
      }),
    [
      ['wakunet vlan join office', 'a VLAN that this node knows by name'],
      ['wakunet vlan join vEXAMPLE...', 'by the id that "wakunet vlan create" printed'],
      ['wakunet vlan join wakunet://vlan/...', 'by the link that "wakunet vlan link" printed'],
      ['wakunet vlan join office --address 10.42.0.7/16', 'with an address of your choice'],
      ['wakunet vlan join office --address dhcp', "leave the address to this host's DHCP client"],
      ['wakunet vlan join office --interface lan0', 'with an interface name of your choice'],
      ['wakunet vlan join office --bridge br0', 'with the LAN behind the bridge br0'],
    ],
  )

/** What only the node can tell of an option that was given. */
const ARGUMENT_OF_ERROR: ArgumentOfError = {
  ERR_ADDRESS_INVALID: '--address',
  ERR_ADDRESS_OUTSIDE_SUBNET: '--address',
  ERR_BRIDGE_MISSING: '--bridge',
  ERR_INTERFACE_NAME_INVALID: '--interface',
  ERR_INTERFACE_NAME_TAKEN: '--interface',
}

const addressOf = (
  address: string | undefined,
): Pick<RequestOf<'switch.join'>, 'address4' | 'addressMode'> => {
  if (address === undefined) return {}
  return isAddressMode(address) ? { addressMode: address } : { address4: address }
}

/** Dials the addresses of a link and finds its VLAN. @returns its id */
const openLink = async (
  client: RequestBus,
  link: string,
  timeoutMs: number,
  output: Output,
): Promise<string> => {
  const request = { link, timeoutMs }
  const vlan = await client.request('directory.open', request, { timeoutMs: timeoutMs + REPLY_MARGIN_MS })
  const { name } = parseVlanLink(link)
  if (name !== vlan.name)
    output.note(`The link calls it ${printable(name)}; its owner calls it ${printable(vlan.name)}.`)
  return vlan.id
}

const join = async (client: RequestBus, vlan: string, options: JoinOptions): Promise<PortInfo> => {
  const { address, mtu, bridge, allowOverlap, timeout, interface: interfaceName } = options
  const request = {
    vlan,
    ...addressOf(address),
    ...(interfaceName === undefined ? {} : { interface: interfaceName }),
    ...(mtu === undefined ? {} : { mtu }),
    ...(bridge === undefined ? {} : { bridge }),
    ...(allowOverlap === undefined ? {} : { allowOverlap }),
    timeoutMs: timeout,
  }
  try {
    return await client.request('switch.join', request, { timeoutMs: timeout + REPLY_MARGIN_MS })
  } catch (error) {
    throw namingArgument(error, ARGUMENT_OF_ERROR)
  }
}
