// Whether node_modules holds what package-lock.json names: exit code 0 or 1. Runs on any Node from 18 on,
// because it runs before the pinned one is there; hence no TypeScript.
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'

const root = process.argv[2] ?? '.'

/** Path in node_modules -> what npm recorded there. */
function packagesOf(lockFile) {
  return JSON.parse(readFileSync(join(root, lockFile), 'utf8')).packages
}

function isInstalled() {
  const installed = packagesOf('node_modules/.package-lock.json')
  return Object.entries(packagesOf('package-lock.json')).every(([path, wanted]) => {
    if (!path.startsWith('node_modules/') && !path.includes('/node_modules/')) return true
    const found = installed[path]
    // Optional packages for other machines are not installed.
    if (found === undefined) return wanted.optional === true
    return found.version === wanted.version && existsSync(join(root, path))
  })
}

try {
  process.exitCode = isInstalled() ? 0 : 1
} catch {
  // No node_modules, or one that npm did not finish.
  process.exitCode = 1
}
