import { type CompletionNode, type CompletionOption, knownPaths, valueFlags } from './command-tree.ts'
import { fishQuoted } from './quoted.ts'

/** The completion script of fish, for `wakunet completion fish | source`. */
export const fishCompletion = (
  nodes: readonly CompletionNode[],
): string => `# wakunet completion for fish. Load it with: wakunet completion fish | source
function __wakunet_at
  set -l node ''
  set -l skip 0
  set -l tokens (commandline -opc)
  for word in $tokens[2..-1]
    if test $skip -eq 1
      set skip 0
      continue
    end
    switch $word
      case ${[...valueFlags(nodes).keys()].map(fishQuoted).join(' ')}
        set skip 1
      case '-*'
      case '*'
        if contains -- "$node $word" ${knownPaths(nodes).map(fishQuoted).join(' ')}
          set node "$node $word"
        end
    end
  end
  test "$node" = "$argv[1]"
end
complete -c wakunet -f
${nodes.flatMap(nodeLines).join('\n')}
`

const nodeLines = (node: CompletionNode): readonly string[] => {
  const path = node.path.map((word) => ` ${word}`).join('')
  const at = `complete -c wakunet -n ${fishQuoted(`__wakunet_at ${fishQuoted(path)}`)}`
  return [
    ...node.commands.map(
      ({ name, description }) => `${at} -a ${fishQuoted(name)} -d ${fishQuoted(description)}`,
    ),
    ...node.options.map((option) => `${at} ${optionFlags(option)} -d ${fishQuoted(option.description)}`),
    ...(node.argument?.kind === 'choice' ? [`${at} -a ${fishQuoted(node.argument.choices.join(' '))}`] : []),
    ...(node.argument?.kind === 'vlan' ? [`${at} -a '(wakunet values vlans 2>/dev/null)'`] : []),
  ]
}

const optionFlags = ({ flags, value }: CompletionOption): string => {
  const names = flags
    .map((flag) => (flag.startsWith('--') ? `-l ${flag.slice(2)}` : `-s ${flag.slice(1)}`))
    .join(' ')
  switch (value?.kind) {
    case undefined:
      return names
    case 'file':
      return `${names} -r -F`
    case 'directory':
      return `${names} -x -a '(__fish_complete_directories)'`
    case 'choice':
      return `${names} -x -a ${fishQuoted(value?.choices.join(' ') ?? '')}`
    case 'vlan':
      return `${names} -x -a '(wakunet values vlans 2>/dev/null)'`
    case 'text':
      return `${names} -x`
  }
}
