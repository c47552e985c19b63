import { spawnSync } from 'node:child_process'
import { requirePrograms, requireRoot } from '@wakunet/testing'

/** Set in the copy of the process that runs in the namespace. */
const MARK = 'WAKUNET_NETIO_NAMESPACE'

/**
 * Goes on in a network namespace of its own, so that the interfaces of a test never touch the host: runs
 * this file again under `unshare` and ends with its status. To be called first, before any test is
 * declared. The namespace, and all interfaces in it, goes away with the process.
 */
export function enterNamespace(file: string): void {
  if (process.env[MARK] === file) return
  requireRoot()
  requirePrograms(['unshare', 'setpriv', 'ip'])
  const command = [
    ...[
      'setpriv',
      '--pdeathsig',
      'KILL',
      'unshare',
      '--net',
      'sh',
      '-c',
      'ip link set lo up && exec "$@"',
      'sh',
    ],
    ...[process.execPath, ...process.execArgv, file],
  ]
  const [program = '', ...args] = command
  const { status } = spawnSync(program, args, { stdio: 'inherit', env: { ...process.env, [MARK]: file } })
  process.exit(status ?? 1)
}
