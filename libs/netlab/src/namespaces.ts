import { execFileSync } from 'node:child_process'
import { lstatSync, readdirSync, readFileSync, readlinkSync, rmSync, statSync } from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import { requireProgram } from './command.ts'

/** Where `ip netns` keeps its names (ip-netns(8)). */
export const NAMESPACE_DIRECTORY = '/run/netns'

const KILL_ROUNDS = 100
const KILL_PAUSE_MS = 20

/** Names of all namespaces of this machine that `ip netns` knows. */
export function listNamespaces(): string[] {
  try {
    return readdirSync(NAMESPACE_DIRECTORY)
  } catch {
    return []
  }
}

/**
 * Process ids in any of the namespaces: what `ip netns pids` prints, in one pass over /proc for all of them.
 * Processes of other users that may not be looked at are not ours and are left out.
 */
export function namespacePids(namespaces: readonly string[]): number[] {
  if (namespaces.length === 0) return []
  const links = new Set(namespaces.map(namespaceLink))
  const pids: number[] = []
  for (const entry of readdirSync('/proc')) {
    if (!/^\d+$/.test(entry)) continue
    const link = readLink(`/proc/${entry}/ns/net`)
    if (link !== null && links.has(link) && Number(entry) !== process.pid) pids.push(Number(entry))
  }
  return pids
}

/**
 * Kills every process of the namespaces, and `pids` wherever they are, waits for their end and deletes the
 * namespaces, synchronously: it also runs while the process exits, when nothing asynchronous does any more. What
 * is already gone is no error.
 * @param pids children that have not been waited for, so that nobody else can have their numbers
 */
export function removeNamespaces(namespaces: readonly string[], pids: readonly number[] = []): void {
  const present = namespaces.filter((name) => listNamespaces().includes(name))
  killAll(present, pids)
  if (present.length === 0) return
  const batch = present.map((name) => `netns del ${name}\n`).join('')
  try {
    execFileSync(requireProgram('ip'), ['-force', '-batch', '-'], {
      input: batch,
      stdio: ['pipe', 'ignore', 'ignore'],
    })
  } catch (error) {
    // With -force the rest is deleted although one was gone: only what still stands is a failure.
    if (present.some((name) => listNamespaces().includes(name))) throw error
  }
}

/** Directory of a lab's files. */
export function labDirectory(labId: string): string {
  return path.join(os.tmpdir(), labId)
}

/** Entries of the temporary directory that belong to this user. */
export function listOwnDirectories(): string[] {
  const uid = process.getuid?.() ?? -1
  return readdirSync(os.tmpdir()).filter((name) => {
    const stat = lstatSync(path.join(os.tmpdir(), name), { throwIfNoEntry: false })
    return stat?.isDirectory() === true && stat.uid === uid
  })
}

export function removeLabDirectory(labId: string): void {
  rmSync(labDirectory(labId), { recursive: true, force: true, maxRetries: 3 })
}

function killAll(namespaces: readonly string[], children: readonly number[]): void {
  // Again until none is left: a process may fork while it is being killed, and dying takes a moment. A process that
  // has not arrived in its namespace, or has left it on its last way (do_exit in kernel/exit.c), is seen among the
  // children alone.
  for (let round = 0; round < KILL_ROUNDS; round++) {
    const pids = [...namespacePids(namespaces), ...children.filter(isRunning)]
    if (pids.length === 0) return
    for (const pid of pids) kill(pid)
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, KILL_PAUSE_MS)
  }
}

function kill(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL')
  } catch {
    // It has ended meanwhile.
  }
}

/** False also for a zombie: it has ended and waits for its parent, which cannot collect it while this runs. */
function isRunning(pid: number): boolean {
  try {
    return !/^State:\s+[ZX]/m.test(readFileSync(`/proc/${pid}/status`, 'latin1'))
  } catch {
    return false
  }
}

function namespaceLink(name: string): string | null {
  try {
    return `net:[${statSync(path.join(NAMESPACE_DIRECTORY, name)).ino}]`
  } catch {
    return null
  }
}

function readLink(file: string): string | null {
  try {
    return readlinkSync(file)
  } catch {
    return null
  }
}
