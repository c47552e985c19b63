import { accessSync, constants, readFileSync } from 'node:fs'
import { delimiter, join } from 'node:path'

/** Which Debian package has which command; the same list that `scripts/run` installs from. */
const PACKAGES_FILE = join(import.meta.dirname, '../../../scripts/packages.txt')

/**
 * For tests that need real interfaces. They fail, rather than skip, where the privilege is missing: a test
 * that did not run has shown nothing.
 */
export function requireRoot(): void {
  if (process.getuid?.() === 0) return
  throw new Error(
    'this test needs root (network namespaces, TAP): run it as root, for example `sudo npm test`',
  )
}

/** Fails with the `apt-get` line that helps when a program is not on the PATH. */
export function requirePrograms(programs: readonly string[]): void {
  const missing = programs.filter((program) => !isOnPath(program))
  if (missing.length === 0) return
  const packages = debianPackages()
  const wanted = new Set(missing.map((program) => packages.get(program) ?? program))
  throw new Error(
    `this test needs ${missing.join(', ')}: install with \`apt-get install ${[...wanted].join(' ')}\``,
  )
}

function isOnPath(program: string): boolean {
  // System programs are not on everybody's PATH.
  const folders = [...(process.env.PATH ?? '').split(delimiter), '/usr/sbin', '/sbin']
  return folders.some((folder) => folder !== '' && isExecutable(join(folder, program)))
}

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK)
    return true
  } catch {
    return false
  }
}

/** Lines are `command package phase`; `#` starts a comment. */
function debianPackages(): Map<string, string> {
  const lines = readFileSync(PACKAGES_FILE, 'utf8').split('\n')
  const rows = lines.map((line) => line.replace(/#.*/, '').trim().split(/\s+/))
  return new Map(rows.flatMap(([command, name]) => (command && name ? [[command, name]] : [])))
}
