import type { Command } from 'commander'

/** Appends examples to a command's help; every command has some, and a test sees to it. */
export const withExamples = (
  command: Command,
  examples: readonly (readonly [line: string, what: string])[],
): Command => {
  const width = Math.max(...examples.map(([line]) => line.length))
  const lines = examples.map(([line, what]) => `  ${line.padEnd(width)}  # ${what}`)
  return command.addHelpText('after', `\nExamples:\n${lines.join('\n')}`)
}
