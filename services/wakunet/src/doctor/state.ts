import { lstatSync, readdirSync } from 'node:fs'
import path from 'node:path'
import { type CheckResult, fail, ok, warn } from './check.ts'

const MAX_FILES = 1000

/** The node's private key is in there: nobody else may read it. */
export const checkState = (directory: string, uid: number): CheckResult => {
  const shown = statOf(directory)
  if (shown === null) return ok('state', `${directory} is not there yet; the first start makes it`)
  if (!shown.isDirectory())
    return fail('state', `${directory} is not a folder`, 'name another one with --state-dir')
  if (shown.uid !== uid && uid !== 0) {
    return fail(
      'state',
      `${directory} belongs to another user (uid ${shown.uid})`,
      'run as that user, or name another one with --state-dir',
    )
  }
  const open = [directory, ...filesOf(directory)].filter((file) => (statOf(file)?.mode ?? 0) & 0o077)
  if (open.length > 0) {
    return fail(
      'state',
      `others may read or change ${open.slice(0, 3).join(', ')}`,
      `chmod -R go= ${directory}`,
    )
  }
  const damaged = filesOf(directory).filter((file) => file.includes('.damaged-'))
  return damaged.length === 0
    ? ok('state', `${directory} is private`)
    : warn(
        'state',
        `damaged state was set aside: ${damaged.join(', ')}`,
        'restore it from a backup, or remove it',
      )
}

const statOf = (file: string) => lstatSync(file, { throwIfNoEntry: false }) ?? null

const filesOf = (directory: string): readonly string[] => {
  try {
    return readdirSync(directory, { recursive: true, encoding: 'utf8' })
      .slice(0, MAX_FILES)
      .map((name) => path.join(directory, name))
      .filter((file) => statOf(file)?.isSocket() === false)
  } catch {
    return []
  }
}
