import { randomBytes } from 'node:crypto'
import { readFileSync } from 'node:fs'

/**
 * Who owns a lab is written in its name, so that no file can be lost or be stale:
 *
 * ```text
 *   wk<pid>-<start>-<nonce>-<name>         the lab, and its directory below the temporary directory
 *   wk<pid>-<start>-<nonce>-<name>-<part>  a namespace: part is h1, h2, ... or sw
 * ```
 *
 * `start` is the start time of the process in clock ticks since boot, in base 36: a process id alone is
 * soon taken by another process.
 */
const LAB_NAME = /^wk([1-9]\d{0,9})-([0-9a-z]{1,13})-([0-9a-z]{6})-([a-z0-9]{1,16})(?:-(sw|h[1-9]\d{0,2}))?$/
const START_TIME_FIELD = 22

export const LAB_NAME_RULE = /^[a-z0-9]{1,16}$/

export interface LabOwner {
  readonly pid: number
  /** Clock ticks since boot, base 36. */
  readonly start: string
}

/** A name for a new lab of this process. */
export function newLabId(name: string): string {
  const owner = ownerOf(process.pid)
  if (owner === null) throw new Error('/proc is not mounted')
  return `wk${owner.pid}-${owner.start}-${randomBytes(3).toString('hex')}-${name}`
}

/** Owner of a namespace or directory, or null where the name is not one of ours. */
export function parseOwner(name: string): LabOwner | null {
  const match = LAB_NAME.exec(name)
  return match === null ? null : { pid: Number(match[1]), start: match[2]! }
}

/** True while the very process that made the lab runs. */
export function isAlive(owner: LabOwner): boolean {
  return ownerOf(owner.pid)?.start === owner.start
}

function ownerOf(pid: number): LabOwner | null {
  const start = startTime(pid)
  return start === null ? null : { pid, start }
}

function startTime(pid: number): string | null {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'latin1')
    // The second field is the program's name in brackets and may hold blanks and brackets itself.
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
    const ticks = fields[START_TIME_FIELD - 3]
    const state = fields[0]
    return ticks === undefined || state === 'Z' || state === 'X' ? null : Number(ticks).toString(36)
  } catch {
    return null
  }
}
