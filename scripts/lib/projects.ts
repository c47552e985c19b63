import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'

export const ROOT = join(import.meta.dirname, '../..')

/** A workspace of the repository. */
export interface Project {
  /** For example `@wakunet/service-kit`. */
  readonly name: string
  /** Relative to the root, for example `libs/service-kit`. */
  readonly folder: string
  readonly manifest: Manifest
}

export interface Manifest {
  readonly name: string
  readonly version: string
  readonly description?: string
  readonly license?: string
  readonly exports?: Readonly<Record<string, string>>
  readonly scripts?: Readonly<Record<string, string>>
  readonly dependencies?: Readonly<Record<string, string>>
  readonly devDependencies?: Readonly<Record<string, string>>
}

export function readManifest(folder: string): Manifest {
  return JSON.parse(readFileSync(join(ROOT, folder, 'package.json'), 'utf8')) as Manifest
}

/** Every workspace: libraries, services, integration tests, benchmarks. */
export function allProjects(): Project[] {
  const inside = (folder: string) =>
    readdirSync(join(ROOT, folder))
      .sort()
      .map((name) => `${folder}/${name}`)
  return [...inside('libs'), ...inside('services'), 'integration-tests', 'bench']
    .filter((folder) => existsSync(join(ROOT, folder, 'package.json')))
    .map((folder) => {
      const manifest = readManifest(folder)
      return { name: manifest.name, folder, manifest }
    })
}
