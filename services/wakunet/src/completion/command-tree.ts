import type { Command, Option } from 'commander'

/** How a shell completes the value of an option or the first argument of a command. */
export type ValueKind = 'file' | 'directory' | 'vlan' | 'choice' | 'text'

export interface CompletionValue {
  readonly kind: ValueKind
  /** What can be chosen; empty unless `kind` is `choice`. */
  readonly choices: readonly string[]
}

export interface CompletionOption {
  readonly flags: readonly string[]
  readonly description: string
  /** Null for a switch. */
  readonly value: CompletionValue | null
}

/** One command as a shell sees it. `path` is the words that lead to it, without the program's name. */
export interface CompletionNode {
  readonly path: readonly string[]
  readonly description: string
  readonly commands: readonly { readonly name: string; readonly description: string }[]
  readonly options: readonly CompletionOption[]
  readonly argument: CompletionValue | null
}

/** Every visible command under `program`, itself first; the options of the program count for each of them. */
export const completionNodes = (program: Command): readonly CompletionNode[] => {
  const shared = program.options.map(describeOption)
  return walk(program, [], shared)
}

const walk = (
  command: Command,
  path: readonly string[],
  shared: readonly CompletionOption[],
): readonly CompletionNode[] => {
  const help = command.createHelp()
  const commands = help.visibleCommands(command).filter((child) => child.name() !== 'help')
  const own =
    path.length === 0
      ? []
      : help
          .visibleOptions(command)
          .filter((o) => o.long !== '--help')
          .map(describeOption)
  const node: CompletionNode = {
    path,
    description: command.description(),
    commands: commands.map((child) => ({ name: child.name(), description: child.description() })),
    options: [...own, ...shared, { flags: ['--help'], description: 'show help', value: null }],
    argument: describeArgument(command),
  }
  return [node, ...commands.flatMap((child) => walk(child, [...path, child.name()], shared))]
}

const describeOption = (option: Option): CompletionOption => ({
  flags: [option.short, option.long].filter((flag) => flag !== undefined && flag !== null),
  description: option.description,
  value:
    option.required || option.optional ? valueNamed(placeholderOf(option.flags), option.argChoices) : null,
})

const describeArgument = (command: Command): CompletionValue | null => {
  const argument = command.registeredArguments[0]
  return argument === undefined ? null : valueNamed(argument.name(), argument.argChoices)
}

/** `file` of `--config <file>`. */
const placeholderOf = (flags: string): string => /[<[]([a-z]+)/.exec(flags)?.[1] ?? ''

const KINDS: Readonly<Record<string, ValueKind>> = {
  file: 'file',
  path: 'file',
  dir: 'directory',
  vlan: 'vlan',
}

const valueNamed = (name: string, choices: readonly string[] | undefined): CompletionValue =>
  choices === undefined ? { kind: KINDS[name] ?? 'text', choices: [] } : { kind: 'choice', choices }

/** Flags that take a value, over all commands: the word after one of them is never a command. */
export const valueFlags = (nodes: readonly CompletionNode[]): ReadonlyMap<string, CompletionValue> => {
  const flags = new Map<string, CompletionValue>()
  for (const { value, flags: names } of nodes.flatMap((node) => node.options)) {
    if (value === null) continue
    for (const name of names) flags.set(name, value)
  }
  return flags
}

/** Words of all commands below the program, each led by a space: ` vlan join`. */
export const knownPaths = (nodes: readonly CompletionNode[]): readonly string[] =>
  nodes.filter((node) => node.path.length > 0).map((node) => ` ${node.path.join(' ')}`)
