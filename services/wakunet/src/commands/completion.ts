import { Argument, Command } from 'commander'
import { type CommandContext, outputOf } from '../command-context.ts'
import { bashCompletion } from '../completion/bash.ts'
import { type CompletionNode, completionNodes } from '../completion/command-tree.ts'
import { fishCompletion } from '../completion/fish.ts'
import { zshCompletion } from '../completion/zsh.ts'
import { withExamples } from '../help-examples.ts'

const SHELLS = ['bash', 'zsh', 'fish'] as const
type Shell = (typeof SHELLS)[number]

const SCRIPTS: Readonly<Record<Shell, (nodes: readonly CompletionNode[]) => string>> = {
  bash: bashCompletion,
  zsh: zshCompletion,
  fish: fishCompletion,
}

export const completionCommand = (context: CommandContext): Command =>
  withExamples(
    new Command('completion')
      .description('Print the completion script of a shell, made from this very command tree.')
      .addArgument(new Argument('<shell>', 'the shell').choices(SHELLS))
      .action((shell: Shell, _options: unknown, command: Command) => {
        const script = SCRIPTS[shell](completionNodes(rootOf(command)))
        outputOf(context, command).result({ shell, script }, () => [script.trimEnd()])
      }),
    [
      ['source <(wakunet completion bash)', 'in ~/.bashrc'],
      ['source <(wakunet completion zsh)', 'in ~/.zshrc, after compinit'],
      ['wakunet completion fish | source', 'in ~/.config/fish/config.fish'],
    ],
  )

const rootOf = (command: Command): Command => {
  let root = command
  while (root.parent !== null) root = root.parent
  return root
}
