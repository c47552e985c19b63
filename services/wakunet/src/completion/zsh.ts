import type { CompletionNode, CompletionValue } from './command-tree.ts'
import { commandWalk, type ShellLine } from './command-walk.ts'
import { quoted } from './quoted.ts'

/** The completion script of zsh, for `source <(wakunet completion zsh)` or a file `_wakunet` in `fpath`. */
export const zshCompletion = (nodes: readonly CompletionNode[]): string => {
  return `#compdef wakunet
# wakunet completion for zsh. Load it with: source <(wakunet completion zsh)
_wakunet_vlans() {
  local -a names
  names=("\${(@f)$("\${words[1]}" values vlans 2>/dev/null)}")
  compadd -a names
}
_wakunet() {
  local node= word
  local -i i skip=0
  local -a commands options
${commandWalk(nodes, LINE)}
  case $node in
${nodes.map(nodeCase).join('\n')}
  esac
  if [[ \${words[CURRENT]} == -* ]]; then _describe -o option options; elif ((\${#commands})); then _describe command commands; fi
}
if [[ \${funcstack[1]} == _wakunet ]]; then _wakunet "$@"; else compdef _wakunet wakunet; fi
`
}

const nodeCase = (node: CompletionNode): string => {
  const path = node.path.map((word) => ` ${word}`).join('')
  const options = node.options.flatMap((option) =>
    option.flags.map((flag) => described(flag, option.description)),
  )
  const commands = [
    ...node.commands.map((command) => described(command.name, command.description)),
    ...(node.argument?.choices ?? []).map(quoted),
  ]
  const vlans = node.argument?.kind === 'vlan' ? `; [[ \${words[CURRENT]} == -* ]] || _wakunet_vlans` : ''
  return `    ${quoted(path)}) commands=(${commands.join(' ')}); options=(${options.join(' ')})${vlans} ;;`
}

/** `name:description`, where the first unescaped colon separates. */
const described = (name: string, description: string): string =>
  quoted(`${name.replaceAll(':', '\\:')}:${description}`)

const fill = (value: CompletionValue): string => {
  switch (value.kind) {
    case 'file':
      return '_files'
    case 'directory':
      return '_files -/'
    case 'choice':
      return `compadd ${value.choices.map(quoted).join(' ')}`
    case 'vlan':
      return '_wakunet_vlans'
    case 'text':
      return ':'
  }
}

const LINE: ShellLine = {
  first: 2,
  cursor: 'CURRENT',
  word: (index) => `\${words[${index}]}`,
  fill,
}
