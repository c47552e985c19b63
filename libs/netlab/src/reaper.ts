import { type ChildProcess, spawn } from 'node:child_process'
import { programPath, requireProgram } from './command.ts'
import { labDirectory } from './namespaces.ts'

/**
 * Waits on a pipe that the lab's process holds open. The word "done" ends it; the end of the file means that
 * the process died without a word (kill -9, out of memory), and everything of the lab is removed.
 * The pause lets programs that were just being started arrive in their namespace, where they are found.
 * Arguments: lab id, directory. A shell rather than node: 1 MiB instead of 50, and it starts in 1 ms.
 */
const SCRIPT = `
trap '' INT TERM HUP QUIT PIPE
read -r word && [ "$word" = done ] && exit 0
lab=$1 directory=$2
sleep 0.1
round=0
while [ $round -lt 100 ]; do
  alive=
  for file in /run/netns/"$lab"-*; do
    [ -e "$file" ] || continue
    for pid in $(ip netns pids "\${file##*/}" 2>/dev/null); do kill -9 "$pid" 2>/dev/null; alive=1; done
  done
  [ -n "$alive" ] || break
  round=$((round + 1))
  sleep 0.02
done
for file in /run/netns/"$lab"-*; do
  [ -e "$file" ] && ip netns del "\${file##*/}" 2>/dev/null
done
rm -rf -- "$directory"
`

/** The process that cleans up when this one cannot. */
export class Reaper {
  readonly #child: ChildProcess

  constructor(labId: string) {
    // A session of its own: neither Ctrl-C nor a kill of our process group reaches it.
    this.#child = spawn(
      requireProgram('sh'),
      ['-c', SCRIPT, 'wakunet-lab-reaper', labId, labDirectory(labId)],
      {
        detached: true,
        stdio: ['pipe', 'ignore', 'ignore'],
        env: { PATH: programPath() },
        cwd: '/',
      },
    )
    this.#child.on('error', () => {})
    this.#child.stdin?.on('error', () => {})
    // Neither the child nor the pipe keeps our process alive.
    this.#child.unref()
    ;(this.#child.stdin as { unref?: () => void } | null)?.unref?.()
  }

  /** Tells it that nothing is left to do. */
  dismiss(): void {
    this.#child.stdin?.end('done\n')
  }
}
