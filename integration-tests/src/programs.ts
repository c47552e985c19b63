import { existsSync } from 'node:fs'
import path from 'node:path'

const REPOSITORY = path.resolve(import.meta.dirname, '../..')

/** This very Node, for the programs of the repository. */
export const NODE = process.execPath

/** The bundle of a program, which is what people run; `npm test` has made it. */
export function servicePath(service: 'wakunet' | 'trunk-peer' | 'vlan-switch'): string {
  const bundle = path.join(REPOSITORY, 'dist', `${service}.mjs`)
  if (!existsSync(bundle)) throw new Error(`${bundle} is missing: make it with \`node scripts/bundle.ts\``)
  return bundle
}

/** Node keeps compiled code here: the command line is started hundreds of times. */
export const NODE_ENVIRONMENT = {
  NODE_COMPILE_CACHE: path.join(REPOSITORY, 'integration-tests/.cache/compiled'),
} as const
