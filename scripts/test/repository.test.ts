import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { ERROR_CODES } from '@wakunet/interface'
import { allProjects, ROOT, readManifest } from '../lib/projects.ts'
import { sourcesIn } from '../lib/sources.ts'

const projects = allProjects()
const root = readManifest('.')
const read = (path: string): string => readFileSync(join(ROOT, path), 'utf8')

test('docs/errors.md has every error code, in order, each with a meaning and what to do', () => {
  const rows = read('docs/errors.md')
    .split('\n')
    .filter((line) => /^\|\s*`?ERR_/.test(line))
    .map((line) => line.split('|').map((cell) => cell.trim().replaceAll('`', '')))
  assert.deepEqual(
    rows.map((cells) => cells[1]),
    [...ERROR_CODES],
  )
  for (const [, code, meaning, remedy] of rows)
    assert.ok(meaning && remedy, `${code} needs a meaning and what to do`)
})

test('error codes are sorted and unique', () => {
  assert.deepEqual(
    [...ERROR_CODES],
    [...new Set(ERROR_CODES)].sort((a, b) => a.localeCompare(b, 'en')),
  )
})

test('no code throws an error code that is not listed', () => {
  const known = new Set<string>(ERROR_CODES)
  const unknown = ['libs', 'services', 'bench']
    .flatMap(sourcesIn)
    .filter(({ path }) => path.includes('/src/'))
    .flatMap(({ path, code }) =>
      [...code.matchAll(/new WakunetError\(\s*'(ERR_\w+)'/g)].map((match) => [path, match[1] ?? '']),
    )
    .filter(([, code]) => !known.has(code ?? ''))
  assert.deepEqual(unknown, [])
})

test('every workspace has a description, the version and licence of the repository, and one way in', () => {
  for (const { folder, manifest } of projects) {
    assert.ok((manifest.description ?? '').length > 20, `${folder} needs a description`)
    assert.equal(manifest.version, root.version, folder)
    assert.equal(manifest.license, root.license, folder)
    if (manifest.exports !== undefined) assert.deepEqual(manifest.exports, { '.': './src/index.ts' }, folder)
    assert.ok(
      manifest.scripts?.test?.includes('scripts/test-project.ts'),
      `${folder} must run its tests by scripts/test-project.ts`,
    )
  }
})

test('every service has a README and a main program', () => {
  for (const { folder } of projects.filter((p) => p.folder.startsWith('services/')))
    for (const file of ['README.md', 'src/main.ts'])
      assert.ok(existsSync(join(ROOT, folder, file)), `${folder}/${file}`)
})

test('every library and service begins its index with a comment that says what it is', () => {
  for (const { folder } of projects.filter((p) => /^(libs|services)\//.test(p.folder)))
    assert.match(read(`${folder}/src/index.ts`), /^\/\*\*\n \* \S/, `${folder}/src/index.ts`)
})

test('the licence is the one that the packages name', () => {
  assert.equal(root.license, 'AGPL-3.0-or-later')
  assert.match(read('LICENSE'), /^GNU AFFERO GENERAL PUBLIC LICENSE\nVersion 3/)
})

test('the change log mentions the version', () => {
  assert.match(read('CHANGELOG.md'), new RegExp(`^## \\[${root.version.replaceAll('.', '\\.')}\\]`, 'm'))
})

test('nothing is left for later in the code: an issue is the place for it', () => {
  // Put together, so that this file does not find itself.
  const markers = new RegExp(
    `\\b(${['TO', 'FIX', 'XX'].map((half, i) => half + ['DO', 'ME', 'X'][i]).join('|')})\\b`,
  )
  const files = execFileSync('git', ['ls-files', '-z'], { cwd: ROOT, encoding: 'utf8' }).split('\0')
  const found = files
    .filter(
      (path) =>
        /\.(ts|mjs|md|cc|h|sh|json|yaml|yml)$/.test(path) &&
        path !== 'package-lock.json' &&
        existsSync(join(ROOT, path)),
    )
    .filter((path) => markers.test(read(path)))
  assert.deepEqual(found, [])
})

test('no test is switched off or left alone', () => {
  const switched = ['libs', 'services', 'integration-tests', 'bench']
    .flatMap(sourcesIn)
    .filter(({ path }) => path.endsWith('.test.ts'))
    .filter(({ code }) => /\b(test|it|describe)\.(skip|only|todo)\(|\b(skip|only|todo): true/.test(code))
    .map(({ path }) => path)
  assert.deepEqual(switched, [])
})

test('types are not switched off', () => {
  const switched = ['libs', 'services', 'integration-tests', 'bench', 'scripts']
    .flatMap(sourcesIn)
    .filter(
      ({ path }) => /@ts-(ignore|nocheck)/.test(read(path)) && path !== 'scripts/test/repository.test.ts',
    )
    .map(({ path }) => path)
  assert.deepEqual(switched, [])
})

interface Lock {
  readonly packages: Readonly<Record<string, LockedPackage>>
}
interface LockedPackage {
  readonly dependencies?: Readonly<Record<string, string>>
  readonly devDependencies?: Readonly<Record<string, string>>
  readonly optionalDependencies?: Readonly<Record<string, string>>
}
const { packages } = JSON.parse(read('package-lock.json')) as Lock

test('npm ci accepts the lock: it has the packages of every platform', () => {
  const missing = Object.entries(packages).flatMap(([path, { optionalDependencies = {} }]) =>
    Object.keys(optionalDependencies).filter(
      (name) => !(`node_modules/${name}` in packages) && !(`${path}/node_modules/${name}` in packages),
    ),
  )
  assert.deepEqual(missing, [], 'run: node scripts/complete-lock.mjs')
})

test('npm ci accepts the lock: it knows the dependencies of every workspace', () => {
  for (const { folder, manifest } of projects) {
    const locked = packages[folder]
    assert.ok(locked, `${folder}; run: npm install --package-lock-only`)
    assert.deepEqual(locked.dependencies ?? {}, manifest.dependencies ?? {}, folder)
    assert.deepEqual(locked.devDependencies ?? {}, manifest.devDependencies ?? {}, folder)
  }
})

test('third-party packages are pinned', () => {
  for (const { folder, manifest } of projects)
    for (const [name, version] of Object.entries({ ...manifest.dependencies, ...manifest.devDependencies }))
      assert.match(
        version,
        name.startsWith('@wakunet/') ? /^\*$/ : /^\d+\.\d+\.\d+(-[\w.]+)?$/,
        `${folder}: ${name}`,
      )
})
