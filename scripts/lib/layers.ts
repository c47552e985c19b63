import type { Project } from './projects.ts'
import { type Import, resolveRelative, type SourceFile } from './sources.ts'

/**
 * Imports point one way: interface, pure libraries, adapters, services. Each layer may import itself and what is
 * before it; services import libraries alone.
 */
const LAYERS = ['interface', 'pure', 'adapter', 'service'] as const
type Layer = (typeof LAYERS)[number]

const LAYER_OF: Readonly<Record<string, Layer>> = {
  'libs/interface': 'interface',
  'libs/addressing': 'pure',
  'libs/cbor': 'pure',
  'libs/directory': 'pure',
  'libs/ethernet': 'pure',
  'libs/gossip': 'pure',
  'libs/icon': 'pure',
  'libs/identity': 'pure',
  'libs/peers': 'pure',
  'libs/record': 'pure',
  'libs/sim': 'pure',
  'libs/switching': 'pure',
  'libs/bus': 'adapter',
  'libs/lane': 'adapter',
  'libs/netio': 'adapter',
  'libs/netlab': 'adapter',
  'libs/service-kit': 'adapter',
  'libs/trunk': 'adapter',
  'services/trunk-peer': 'service',
  'services/vlan-switch': 'service',
  'services/wakunet': 'service',
}

const REASON: Readonly<Record<Layer, string>> = {
  interface: 'libs/interface is what everybody speaks; whatever it imported, everybody would',
  pure: 'pure libraries run in the simulator by the thousand, so they must not reach for anything with I/O',
  adapter: 'adapters are used by services, and know none',
  service: 'services speak through the bus contract, so that each can be a process of its own',
}

/** Folders that may use anything: they are built from whole hosts. */
const ABOVE_ALL = new Set(['integration-tests', 'bench'])
const EMBEDDED_NODE = 'services/wakunet'
const TESTING = 'libs/testing'

export const isPure = (folder: string): boolean =>
  LAYER_OF[folder] === 'pure' || LAYER_OF[folder] === 'interface'
export const hasLayer = (folder: string): boolean =>
  LAYER_OF[folder] !== undefined || ABOVE_ALL.has(folder) || folder === TESTING

/** What is wrong with one import of a file of `project`, with the reason, or null. */
export function importFault(
  project: Project,
  file: SourceFile,
  { specifier }: Import,
  projects: readonly Project[],
): string | null {
  if (specifier.startsWith('.')) {
    const target = resolveRelative(file.path, specifier)
    if (target.startsWith(`${project.folder}/`)) return null
    return `${file.path} imports ${specifier}: it leaves its project; import the package by its name, or others cannot see the dependency`
  }
  if (!specifier.startsWith('@wakunet/')) return null
  const target = projects.find(({ name }) => name === specifier)
  if (target === undefined)
    return `${file.path} imports ${specifier}: only a package's index is public; a deep import ties two projects' insides together`
  return directionFault(project, file, target)
}

function directionFault(project: Project, file: SourceFile, target: Project): string | null {
  const say = (reason: string) => `${file.path} imports ${target.name}: ${reason}`
  const inTests = file.path.startsWith(`${project.folder}/test/`)
  if (target.folder === TESTING)
    return inTests || ABOVE_ALL.has(project.folder)
      ? null
      : say('libs/testing has fakes; no product code may depend on them')
  if (ABOVE_ALL.has(project.folder)) return null
  if (ABOVE_ALL.has(target.folder)) return say('integration tests and benchmarks are not a library')
  if (project.folder === TESTING)
    return isPure(target.folder)
      ? null
      : say('libs/testing serves the tests of every library, so it may only know the pure ones')
  const from = LAYER_OF[project.folder]
  const to = LAYER_OF[target.folder]
  if (from === undefined || to === undefined)
    return say('one of the two has no layer; add it to scripts/lib/layers.ts')
  if (from === 'service' && to === 'service') {
    const allowed = project.folder === EMBEDDED_NODE || project.folder === target.folder
    return allowed ? null : say(REASON.service)
  }
  return LAYERS.indexOf(to) <= LAYERS.indexOf(from) ? null : say(REASON[from])
}
