import {
  labDirectory,
  listNamespaces,
  listOwnDirectories,
  removeLabDirectory,
  removeNamespaces,
} from './namespaces.ts'
import { isAlive, parseOwner } from './owner.ts'

/**
 * Removes namespaces and directories of labs whose process is gone. A lab of a running process, of whatever
 * user, is never touched.
 * @returns names of what was removed
 */
export function sweepAbandoned(): string[] {
  const namespaces = listNamespaces().filter(isAbandoned)
  const directories = listOwnDirectories().filter(isAbandoned)
  removeNamespaces(namespaces)
  for (const directory of directories) removeLabDirectory(directory)
  return [...namespaces, ...directories.map(labDirectory)]
}

function isAbandoned(name: string): boolean {
  const owner = parseOwner(name)
  return owner !== null && !isAlive(owner)
}
