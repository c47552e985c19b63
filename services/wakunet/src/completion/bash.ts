import type { CompletionNode, CompletionValue } from './command-tree.ts'
import { commandWalk, type ShellLine } from './command-walk.ts'
import { quoted } from './quoted.ts'

/** The completion script of bash, for `source <(wakunet completion bash)`. */
export const bashCompletion = (nodes: readonly CompletionNode[]): string => {
  return `# wakunet completion for bash. Load it with: source <(wakunet completion bash)
_wakunet_fill() {
  mapfile -t COMPREPLY < <(compgen "$@" -- "$cur")
}
_wakunet_vlans() {
  local name
  while IFS= read -r name; do
    [[ $name == "$cur"* ]] && COMPREPLY+=("$(printf '%q' "$name")")
  done < <("\${COMP_WORDS[0]}" values vlans 2>/dev/null)
}
_wakunet() {
  local cur=\${COMP_WORDS[COMP_CWORD]} node= word commands options
  local -i i skip=0
  COMPREPLY=()
${commandWalk(nodes, LINE)}
  case $node in
${nodes.map(nodeCase).join('\n')}
  esac
  if [[ $cur == -* ]]; then _wakunet_fill -W "$options"; elif [[ -n $commands ]]; then _wakunet_fill -W "$commands"; fi
}
complete -F _wakunet wakunet
`
}

const nodeCase = (node: CompletionNode): string => {
  const path = node.path.map((word) => ` ${word}`).join('')
  const options = node.options.flatMap((option) => option.flags).join(' ')
  const words = [...node.commands.map((command) => command.name), ...(node.argument?.choices ?? [])].join(' ')
  const vlans = node.argument?.kind === 'vlan' ? ' [[ $cur == -* ]] || _wakunet_vlans' : ''
  return `    ${quoted(path)}) commands=${quoted(words)} options=${quoted(options)};${vlans} ;;`.replace(
    '; ;;',
    ' ;;',
  )
}

const fill = (value: CompletionValue): string => {
  switch (value.kind) {
    case 'file':
      return 'compopt -o filenames 2>/dev/null; _wakunet_fill -f'
    case 'directory':
      return 'compopt -o filenames 2>/dev/null; _wakunet_fill -d'
    case 'choice':
      return `_wakunet_fill -W ${quoted(value.choices.join(' '))}`
    case 'vlan':
      return '_wakunet_vlans'
    case 'text':
      return ':'
  }
}

const LINE: ShellLine = {
  first: 1,
  cursor: 'COMP_CWORD',
  word: (index) => `\${COMP_WORDS[${index}]}`,
  fill,
}
