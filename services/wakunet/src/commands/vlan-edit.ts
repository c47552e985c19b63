import type { VlanInfo } from '@wakunet/bus'
import { WakunetError } from '@wakunet/interface'
import { Command, Option } from 'commander'
import { type ArgumentOfError, namingArgument, vlanArgument } from '../arguments.ts'
import { type CommandContext, withClient } from '../command-context.ts'
import { withExamples } from '../help-examples.ts'
import { addPlanOptions, checkAddresses, editOf, FIELD_OF_OPTION, type PlanOptions } from '../plan-options.ts'
import { addPresentationOptions, type PresentationOptions, presentationOf } from '../presentation-options.ts'
import { vlanFields } from '../vlan-fields.ts'

/** Options that set a field which can go back to its default. */
const FIELD_OF_SETTING = { ...FIELD_OF_OPTION, icon: 'icon', gateway: 'gateways' } as const
type Setting = keyof typeof FIELD_OF_SETTING

interface EditOptions extends PlanOptions, PresentationOptions {
  readonly description?: string
  readonly unset?: readonly Setting[]
}

const SETTINGS = Object.keys(FIELD_OF_SETTING) as readonly Setting[]

export const vlanEditCommand = (context: CommandContext): Command =>
  withExamples(
    addPresentationOptions(
      addPlanOptions(
        new Command('edit')
          .description(
            'Change the record of a VLAN that this node made. Its members take the change over by themselves.',
          )
          .argument('<vlan>', 'VLAN id, or the name of a VLAN that this node knows', vlanArgument)
          .option('--description <text>', 'what it is for'),
        true,
      ),
    )
      .addOption(
        new Option('--unset <setting>', 'back to the default; may be repeated')
          .choices(SETTINGS)
          .argParser(settingArgument),
      )
      .action(async (reference: string, options: EditOptions, command: Command) => {
        await withClient(context, command, async (client, output) => {
          assertAnyChange(options)
          const presentation = await presentationOf(options)
          const before = await client.request('directory.resolve', { vlan: reference, timeoutMs: 0 })
          checkAddresses(options, before.subnet4)
          const vlan = await client
            .request('directory.edit', { vlan: before.id, ...requestOf(options), ...presentation })
            .catch((error: unknown) => {
              throw namingArgument(error, ARGUMENT_OF_ERROR)
            })
          output.result(vlan, (style) => vlanFields(vlan, style))
          output.note(outcome(before, vlan))
        })
      }),
    [
      ['wakunet vlan edit office --pool 10.42.1.0-10.42.1.255', 'other addresses to give away'],
      [
        'wakunet vlan edit office --reserve 52:54:00:12:34:56=10.42.0.7',
        'one more reservation, the others stay',
      ],
      ['wakunet vlan edit office --reserve 52:54:00:12:34:56=none', 'one less'],
      ['wakunet vlan edit office --unset dns --unset icon', 'back to the defaults'],
      ['wakunet vlan edit office --tags 10,20', 'carry two 802.1Q VLANs inside'],
    ],
  )

const ARGUMENT_OF_ERROR: ArgumentOfError = { ERR_VLAN_NOT_OWNED: "argument 'vlan'" }

const settingArgument = (text: string, earlier: readonly Setting[] = []): readonly Setting[] => {
  const setting = SETTINGS.find((name) => name === text)
  if (setting !== undefined) return [...new Set([...earlier, setting])]
  throw new WakunetError(
    'ERR_USAGE',
    `option '--unset <setting>' argument '${text}' is invalid. It must be one of ${SETTINGS.join(', ')}.`,
  )
}

const assertAnyChange = (options: EditOptions): void => {
  if (Object.values(options).some((value) => value !== undefined)) return
  throw new WakunetError('ERR_USAGE', 'nothing to change: give an option, see "wakunet vlan edit --help"')
}

const requestOf = (options: EditOptions) => ({
  ...editOf(options),
  ...(options.description === undefined ? {} : { description: options.description }),
  ...(options.unset === undefined ? {} : { unset: options.unset.map((name) => FIELD_OF_SETTING[name]) }),
})

const outcome = (before: VlanInfo, after: VlanInfo): string =>
  after.sequence === before.sequence
    ? 'Nothing changed: it was like this before.'
    : 'Members that are connected take it over now, the others when they come back.'
