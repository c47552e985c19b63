import { existsSync } from 'node:fs'
import { cp, mkdir, readdir, readFile, rename, rm, symlink } from 'node:fs/promises'
import path from 'node:path'
import { WakunetError } from '@wakunet/interface'
import { requireProgram, runCommand } from '@wakunet/netlab'
import { sameThirdParties } from './lock-file.ts'

const REPOSITORY = path.resolve(import.meta.dirname, '../../..')
const CACHE = path.join(REPOSITORY, '.cache/against')
const ADDON = 'libs/netio/build/Release'
const SHORT_ID_CHARACTERS = 8
const BUILD_TIMEOUT_MS = 600_000

/** The programs of another commit. */
export interface BuiltCommit {
  /** Directory of its bundles. */
  readonly programs: string
  /** First characters of its hash. */
  readonly id: string
}

interface BuildContext {
  readonly progress: (text: string) => void
  readonly signal: AbortSignal
}

/**
 * Builds the bundles of a commit below .cache/against, or finds them there. The repository's own files and its list of
 * work trees stay as they are.
 * @throws WakunetError `ERR_USAGE` for what is no commit here, CommandError where it cannot be built
 */
export async function buildCommit(commit: string, context: BuildContext): Promise<BuiltCommit> {
  const hash = await hashOf(commit)
  const id = hash.slice(0, SHORT_ID_CHARACTERS)
  const directory = path.join(CACHE, hash)
  const programs = path.join(directory, 'dist')
  if (existsSync(path.join(programs, 'wakunet.mjs'))) return { programs, id }
  context.progress(`building ${commit} (${id})`)
  // Beside its place and moved there whole, so that nobody finds half of it.
  const fresh = `${directory}.${process.pid}`
  try {
    await unpack(hash, fresh, context)
    await giveDependencies(fresh, context)
    await build(fresh, context)
    await rm(directory, { recursive: true, force: true })
    await rename(fresh, directory)
  } finally {
    await rm(fresh, { recursive: true, force: true })
  }
  return { programs, id }
}

async function hashOf(commit: string): Promise<string> {
  requireProgram('git')
  const { stdout, stderr, code } = await runCommand(
    'git',
    ['-C', REPOSITORY, 'rev-parse', '--verify', '--end-of-options', `${commit}^{commit}`],
    { allowFailure: true },
  )
  if (code === 0) return stdout.trim()
  throw new WakunetError('ERR_USAGE', `--against: ${stderr.trim() || `there is no commit "${commit}"`}`)
}

async function unpack(hash: string, directory: string, { signal }: BuildContext): Promise<void> {
  await mkdir(directory, { recursive: true })
  const archive = `${directory}.tar`
  try {
    await runCommand('git', ['-C', REPOSITORY, 'archive', '--output', archive, hash], { signal })
    await runCommand('tar', ['-xf', archive, '-C', directory], { signal })
  } finally {
    await rm(archive, { force: true })
  }
}

/** This tree's third-party packages where they are the same, which takes a moment; otherwise its own. */
async function giveDependencies(directory: string, { progress, signal }: BuildContext): Promise<void> {
  const [ours, theirs] = await Promise.all(
    [REPOSITORY, directory].map((root) => readFile(path.join(root, 'package-lock.json'), 'utf8')),
  )
  if (!sameThirdParties(ours!, theirs!)) {
    progress('its dependencies are others: npm ci')
    const args = ['ci', '--loglevel=error', '--no-fund', '--no-audit']
    await runCommand('npm', args, { cwd: directory, timeoutMs: BUILD_TIMEOUT_MS, signal })
    return
  }
  const [from, to] = [path.join(REPOSITORY, 'node_modules'), path.join(directory, 'node_modules')]
  await mkdir(to)
  for (const name of await readdir(from))
    if (name !== '@wakunet' && !name.startsWith('.'))
      await symlink(path.join(from, name), path.join(to, name))
  // These are links to the workspaces beside it.
  await cp(path.join(from, '@wakunet'), path.join(to, '@wakunet'), {
    recursive: true,
    verbatimSymlinks: true,
  })
}

async function build(directory: string, { signal }: BuildContext): Promise<void> {
  const options = { cwd: directory, timeoutMs: BUILD_TIMEOUT_MS, signal }
  // It makes the addon anew where its sources are others than those of ours.
  await cp(path.join(REPOSITORY, ADDON), path.join(directory, ADDON), { recursive: true })
  await runCommand('sh', ['libs/netio/scripts/build.sh'], options)
  await runCommand(process.execPath, ['scripts/bundle.ts'], options)
}
