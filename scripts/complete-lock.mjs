// Completes package-lock.json after `npm install`: `node scripts/complete-lock.mjs`.
//
// Tools with native parts (Biome, Nx, knip's parser) name one optional package per platform. npm leaves those
// out of the lock that its registry does not have, and a mirror often has few; `npm ci` then refuses the lock
// wherever it runs. So every such package gets its entry here, with the platforms that npm shall skip it on
// taken from its name. It is never fetched on the platforms that Wakunet supports.
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'

const LOCK = join(import.meta.dirname, '../package-lock.json')
const SYSTEMS = ['android', 'darwin', 'freebsd', 'linux', 'openharmony', 'win32']
const CPUS = ['arm64', 'arm', 'ia32', 'ppc64', 'riscv64', 's390x', 'x64']

/** What a platform's package would say of itself, from names like `@nx/nx-linux-x64-musl`. */
function platformOf(name) {
  const os = SYSTEMS.find((system) => name.includes(`-${system}-`))
  const cpu = CPUS.find((candidate) => new RegExp(`-${candidate}(-|$)`).test(name))
  if (os === undefined || cpu === undefined) throw new Error(`cannot tell the platform of ${name}`)
  const libc = name.includes('musl') ? 'musl' : 'glibc'
  return { cpu: [cpu], ...(os === 'linux' ? { libc: [libc] } : {}), os: [os] }
}

const lock = JSON.parse(readFileSync(LOCK, 'utf8'))
const added = []
for (const [path, { dev, optionalDependencies = {} }] of Object.entries(lock.packages)) {
  for (const [name, version] of Object.entries(optionalDependencies)) {
    const entry = `node_modules/${name}`
    if (path === '' || lock.packages[entry] !== undefined || lock.packages[`${path}/${entry}`] !== undefined)
      continue
    lock.packages[entry] = { version, ...platformOf(name), ...(dev ? { dev } : {}), optional: true }
    added.push(entry)
  }
}
if (added.length > 0) {
  const [root, ...rest] = Object.entries(lock.packages)
  // npm's own order, so that it changes nothing when it writes the file again.
  rest.sort(([a], [b]) => a.localeCompare(b, 'en'))
  lock.packages = Object.fromEntries([root, ...rest])
  writeFileSync(LOCK, `${JSON.stringify(lock, null, 2)}\n`)
}
console.log(
  added.length === 0
    ? 'package-lock.json is complete'
    : `added ${added.length} packages to package-lock.json`,
)
