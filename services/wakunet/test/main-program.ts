import path from 'node:path'

/** The program itself, run from its sources. */
export const MAIN = path.join(import.meta.dirname, '../src/main.ts')

/** Keeps what Node makes of the sources between the many short lives of the program in these tests. */
export const COMPILE_CACHE = {
  NODE_COMPILE_CACHE: path.join(import.meta.dirname, '../../../.cache/node-compile'),
} as const
