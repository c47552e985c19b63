import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { closeSync, constants, ftruncateSync, mkdirSync, openSync, readFileSync, writeSync } from 'node:fs'
import { join } from 'node:path'
import { WakunetError } from '@wakunet/interface'

/** Held until released or until the process ends, however it ends. */
export interface StateLock {
  release(): void
}

const LOCK_NAME = 'lock'
/** Exit code of `flock -n -E` when somebody else holds the lock. */
const TAKEN = 75

/**
 * Locks a state folder (created with mode 0700 when missing) for one process.
 *
 * The lock is the kernel's `flock(2)` on a file in the folder. The kernel drops it when its holder dies, so
 * nothing is ever stale, and it sees through network, process-id and mount namespaces, which a pid file and an
 * abstract socket do not: containers that share a volume exclude each other too. Node has no call for it, so the
 * `flock` program takes it on a descriptor that it shares with this process; a lock belongs to the open file,
 * and stays when the program ends. The file is never removed: removing it would let two processes hold locks
 * on two files of one name.
 *
 * @throws WakunetError `ERR_ALREADY_RUNNING` when another process has the folder, `ERR_MISSING_PROGRAM`,
 * `ERR_SYSTEM_CALL`
 */
export async function lockStateDirectory(directory: string): Promise<StateLock> {
  const path = join(directory, LOCK_NAME)
  const fd = openLockFile(directory, path)
  try {
    const code = await flock(fd)
    if (code === TAKEN) throw alreadyRunning(directory, path)
    if (code !== 0) throw new WakunetError('ERR_SYSTEM_CALL', `cannot lock ${path}: flock ended with ${code}`)
    ftruncateSync(fd)
    writeSync(fd, `${process.pid}\n`, 0)
  } catch (error) {
    closeSync(fd)
    throw error
  }
  let held = true
  return {
    release() {
      if (held) closeSync(fd)
      held = false
    },
  }
}

function openLockFile(directory: string, path: string): number {
  try {
    mkdirSync(directory, { recursive: true, mode: 0o700 })
    return openSync(path, constants.O_RDWR | constants.O_CREAT | constants.O_NOFOLLOW, 0o600)
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException
    if (code === 'EACCES' || code === 'EPERM')
      throw new WakunetError(
        'ERR_MISSING_PRIVILEGE',
        `the state folder ${directory} may not be used by this user: check its owner, or name another folder`,
        { cause: error },
      )
    throw new WakunetError('ERR_SYSTEM_CALL', `cannot use the state folder ${directory}: ${message}`, {
      cause: error,
    })
  }
}

async function flock(fd: number): Promise<number | null> {
  const child = spawn('flock', ['-n', '-E', String(TAKEN), '3'], {
    stdio: ['ignore', 'ignore', 'ignore', fd],
  })
  try {
    const [code] = (await once(child, 'close')) as [number | null]
    return code
  } catch (error) {
    throw new WakunetError(
      'ERR_MISSING_PROGRAM',
      'the program flock is missing: install the package util-linux',
      { cause: error },
    )
  }
}

function alreadyRunning(directory: string, path: string): WakunetError {
  const pid = readFileSync(path, 'utf8').trim()
  const who = /^\d+$/.test(pid) ? ` (process ${pid})` : ''
  return new WakunetError(
    'ERR_ALREADY_RUNNING',
    `another Wakunet process${who} uses the state folder ${directory}: stop it, or name another folder`,
  )
}
