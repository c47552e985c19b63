import { Command } from 'commander'
import { vlanArgument } from '../arguments.ts'
import { type CommandContext, withClient } from '../command-context.ts'
import { withExamples } from '../help-examples.ts'
import { qrCodeLines } from '../qr-code.ts'

export const vlanLinkCommand = (context: CommandContext): Command =>
  withExamples(
    new Command('link')
      .description(
        'Print an invitation link to a VLAN, as text and as a QR code: its id, and addresses to begin with.',
      )
      .argument('<vlan>', 'VLAN id, or the name of a VLAN that this node knows', vlanArgument)
      .option('--no-qr', 'the text alone')
      .action(async (reference: string, options: { readonly qr: boolean }, command: Command) => {
        await withClient(context, command, async (client, output) => {
          const { link, vlan } = await client.request('directory.link', { vlan: reference })
          const code =
            options.qr && !output.json ? await qrCodeLines(link.toUpperCase(), output.style.enabled) : []
          output.result({ link, vlan: { id: vlan.id, ref: vlan.ref, name: vlan.name } }, () => [
            link,
            ...code,
          ])
          output.note('Whoever has it joins with:  wakunet vlan join <link>')
        })
      }),
    [
      ['wakunet vlan link office', 'text and QR code'],
      ['wakunet vlan link office --no-qr', 'to copy'],
    ],
  )
