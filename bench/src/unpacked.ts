import { existsSync } from 'node:fs'
import path from 'node:path'
import { runCommand } from '@wakunet/netlab'

/** Debian's names for the processors that we know, for the directory of libraries and for the loader. */
const MULTIARCH: Readonly<Record<string, { readonly directory: string; readonly loader: string }>> = {
  x64: { directory: 'x86_64-linux-gnu', loader: 'ld-linux-x86-64.so.2' },
  arm64: { directory: 'aarch64-linux-gnu', loader: 'ld-linux-aarch64.so.1' },
}

const REPOSITORY = path.resolve(import.meta.dirname, '../..')
const CACHE = path.join(REPOSITORY, '.cache/bench')
const SCRIPT = path.join(REPOSITORY, 'bench/scripts/unpack-debian.sh')
const UNPACK_TIMEOUT_MS = 300_000

/** A program of another Debian release, unpacked below .cache/bench; null where it is not there. */
export function findUnpacked(suite: string, program: string): string | null {
  for (const directory of ['usr/bin', 'usr/sbin']) {
    const file = path.join(CACHE, suite, 'root', directory, program)
    if (existsSync(file)) return file
  }
  return null
}

/**
 * Command that runs an unpacked program with the C library of its own release, which the machine's may be too
 * old for; null where either is missing.
 */
export function withOwnLibraries(suite: string, program: string): string[] | null {
  const file = findUnpacked(suite, program)
  const names = MULTIARCH[process.arch]
  if (file === null || names === undefined) return null
  const libraries = path.join(CACHE, suite, 'root/usr/lib', names.directory)
  const loader = path.join(libraries, names.loader)
  return existsSync(loader) ? [loader, '--library-path', libraries, file] : null
}

/** Downloads and unpacks packages of another release. */
export async function unpackDebian(
  suite: string,
  packages: readonly string[],
  signal: AbortSignal,
): Promise<void> {
  await runCommand('sh', [SCRIPT, suite, CACHE, ...packages], { timeoutMs: UNPACK_TIMEOUT_MS, signal })
}
