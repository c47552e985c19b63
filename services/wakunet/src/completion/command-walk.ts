import { type CompletionNode, type CompletionValue, knownPaths, valueFlags } from './command-tree.ts'
import { quoted } from './quoted.ts'

/** How a shell names what is being completed. */
export interface ShellLine {
  /** Index of the first word after the program's name. */
  readonly first: number
  /** Expression for the index of the word at the cursor. */
  readonly cursor: string
  /** Expression for the word at an index. */
  word(index: string): string
  /** Completes a value. */
  fill(value: CompletionValue): string
}

/**
 * The part of a completion function that bash and zsh share: puts the words of the command into `node`, and
 * completes the value of an option where one is due. It needs the locals `node`, `word`, `i` and `skip=0`.
 */
export const commandWalk = (nodes: readonly CompletionNode[], line: ShellLine): string => {
  const flags = [...valueFlags(nodes)]
  return `  for ((i = ${line.first}; i < ${line.cursor}; i++)); do
    word=${line.word('i')}
    if ((skip)); then skip=0; continue; fi
    case $word in
      ${flags.map(([flag]) => flag).join(' | ')}) skip=1 ;;
      -*) ;;
      *)
        case "$node $word" in
          ${knownPaths(nodes).map(quoted).join(' | ')}) node+=" $word" ;;
        esac
        ;;
    esac
  done
  if ((skip)); then
    case ${line.word(`${line.cursor} - 1`)} in
${flags.map(([flag, value]) => `      ${flag}) ${line.fill(value)} ;;`).join('\n')}
    esac
    return
  fi`
}
