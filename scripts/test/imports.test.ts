import assert from 'node:assert/strict'
import { test } from 'node:test'
import { hasLayer, importFault, isPure } from '../lib/layers.ts'
import { allProjects, type Project } from '../lib/projects.ts'
import {
  findCycle,
  importsOf,
  resolveRelative,
  type SourceFile,
  sourcesIn,
  withoutComments,
} from '../lib/sources.ts'

const projects = allProjects()
const sources = new Map(projects.map((project) => [project, sourcesIn(project.folder)]))

const projectAt = (folder: string): Project => {
  const project = projects.find((p) => p.folder === folder)
  assert.ok(project, folder)
  return project
}

test('every project has a layer', () => {
  const without = projects.filter(({ folder }) => !hasLayer(folder)).map(({ folder }) => folder)
  assert.deepEqual(without, [], 'add them to scripts/lib/layers.ts')
})

test('imports point one way, name packages by their index, and stay out of other projects', () => {
  const faults = [...sources].flatMap(([project, files]) =>
    files.flatMap((file) => file.imports.flatMap((item) => importFault(project, file, item, projects) ?? [])),
  )
  assert.deepEqual(faults, [])
})

test('the rule finds what it shall find', () => {
  const fault = (folder: string, path: string, specifier: string) => {
    const file: SourceFile = { path: `${folder}/${path}`, code: '', imports: [] }
    return importFault(projectAt(folder), file, { specifier, typeOnly: false }, projects) ?? 'allowed'
  }
  assert.match(fault('libs/interface', 'src/a.ts', '@wakunet/record'), /everybody/)
  assert.match(fault('libs/record', 'src/a.ts', '@wakunet/netio'), /simulator/)
  assert.match(fault('libs/lane', 'src/a.ts', '@wakunet/trunk-peer'), /know none/)
  assert.match(fault('services/trunk-peer', 'src/a.ts', '@wakunet/vlan-switch'), /bus contract/)
  assert.match(fault('libs/lane', 'src/a.ts', '@wakunet/testing'), /fakes/)
  assert.match(fault('libs/testing', 'src/a.ts', '@wakunet/netio'), /pure ones/)
  assert.match(fault('libs/lane', 'src/a.ts', '@wakunet/record/src/record.ts'), /deep import/)
  assert.match(fault('libs/lane', 'src/a.ts', '../../record/src/index.ts'), /leaves its project/)
  assert.equal(fault('services/wakunet', 'src/a.ts', '@wakunet/trunk-peer'), 'allowed')
  assert.equal(fault('libs/lane', 'test/a.test.ts', '@wakunet/testing'), 'allowed')
  assert.equal(fault('libs/lane', 'test/a.test.ts', '../src/index.ts'), 'allowed')
})

test('imports are found in every form that the code base uses', () => {
  const code =
    "import a from 'a'\nimport type { B } from 'b'\nimport {\n  c,\n} from 'c'\nimport 'd'\nexport * from 'e'\nconst f = await import('f')\n"
  assert.deepEqual(
    importsOf(code).map(({ specifier, typeOnly }) => (typeOnly ? `type ${specifier}` : specifier)),
    ['a', 'type b', 'c', 'd', 'e', 'f'],
  )
  assert.equal(withoutComments("a /* b */ c // d\n'http://e'").trim(), "a  c \n'http://e'")
})

test('projects do not depend on each other in a circle', () => {
  const graph = new Map(
    [...sources].map(([project, files]) => [
      project.name,
      files
        .filter(({ path }) => path.startsWith(`${project.folder}/src/`))
        .flatMap((file) => file.imports.map(({ specifier }) => specifier))
        .filter((specifier) => specifier.startsWith('@wakunet/')),
    ]),
  )
  assert.equal(findCycle(graph), null)
})

test('files do not import each other in a circle at run time', () => {
  const files = [...sources.values()].flat()
  const graph = new Map(
    files.map((file) => [
      file.path,
      file.imports
        .filter(({ specifier, typeOnly }) => specifier.startsWith('.') && !typeOnly)
        .map(({ specifier }) => resolveRelative(file.path, specifier)),
    ]),
  )
  assert.equal(findCycle(graph), null)
})

test('a circle is found', () => {
  assert.deepEqual(
    findCycle(
      new Map([
        ['a', ['b']],
        ['b', ['c']],
        ['c', ['b']],
      ]),
    ),
    ['b', 'c', 'b'],
  )
  assert.equal(
    findCycle(
      new Map([
        ['a', ['b', 'c']],
        ['b', ['c']],
        ['c', []],
      ]),
    ),
    null,
  )
})

test('what a project imports from the workspace its package.json declares', () => {
  const missing = [...sources].flatMap(([project, files]) =>
    files.flatMap(({ path, imports }) => {
      const { dependencies = {}, devDependencies = {} } = project.manifest
      const inSource = path.startsWith(`${project.folder}/src/`)
      const declared = inSource ? dependencies : { ...dependencies, ...devDependencies }
      return imports
        .map(({ specifier }) => specifier)
        .filter((name) => name.startsWith('@wakunet/') && name !== project.name && !(name in declared))
        .map((name) => `${project.folder}/package.json lacks ${name}, which ${path} imports`)
    }),
  )
  assert.deepEqual([...new Set(missing)], [], 'Nx and knip see dependencies only there')
})

/** What would make a pure library depend on when, where or by chance it runs. */
const IMPURE: readonly (readonly [RegExp, string])[] = [
  [/'node:/, 'uses Node: it could not run in the simulator or in a browser'],
  [/\bDate\.now\b|\bnew Date\(\)|\bperformance\.now\b/, 'asks for the time: take it as an argument'],
  [
    /\bMath\.random\b|\bgetRandomValues\b|\brandomBytes\b|\brandomUUID\b/,
    'asks for randomness: take it as an argument',
  ],
  [/(?<![.\w])(setTimeout|setInterval|setImmediate|queueMicrotask)\(/, 'sets a timer: take a Clock'],
  [/\bprocess\.|\bconsole\.|(?<![.\w])fetch\(/, 'reaches for its process: return a value instead'],
]

/** Declares the very calls that the others shall take from it. */
const CLOCK_INTERFACE = 'libs/interface/src/clock.ts'

test('interface and pure libraries get time and randomness as arguments, and do no I/O', () => {
  const faults = [...sources].flatMap(([project, files]) =>
    isPure(project.folder)
      ? files
          .filter(({ path }) => path.startsWith(`${project.folder}/src/`) && path !== CLOCK_INTERFACE)
          .flatMap(({ path, code }) =>
            IMPURE.filter(([pattern]) => pattern.test(code)).map(([, why]) => `${path} ${why}`),
          )
      : [],
  )
  assert.deepEqual(faults, [])
})
