import path from 'node:path'

const REPOSITORY = path.resolve(import.meta.dirname, '../..')

/** This very Node, for the programs of the repository. */
export const NODE = process.execPath

/** The entry point of a service, as `node` takes it. */
export function servicePath(service: 'wakunet' | 'trunk-peer' | 'vlan-switch'): string {
  return path.join(REPOSITORY, 'services', service, 'src/main.ts')
}

/** Node keeps compiled code here: the command line is started hundreds of times. */
export const NODE_ENVIRONMENT = {
  NODE_COMPILE_CACHE: path.join(REPOSITORY, 'integration-tests/.cache/compiled'),
} as const
