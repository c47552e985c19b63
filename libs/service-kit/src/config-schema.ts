import type { z } from 'zod'

/**
 * What the loader needs to know of a zod schema: which keys it has, and what kind of value each takes.
 */
export type ConfigSchema = z.ZodObject

/** One key that takes a value (not a section). */
export interface ConfigKey {
  /** For example `trunk.connectionLimit`. */
  readonly key: string
  readonly path: readonly string[]
  /** For example `WAKUNET_TRUNK_CONNECTION_LIMIT`. */
  readonly variable: string
  readonly schema: z.ZodType
  /** What `.describe()` says, or that of an inner type. */
  readonly description: string | undefined
}

interface AnyDef {
  readonly type: string
  readonly innerType?: z.ZodType
  readonly in?: z.ZodType
  readonly element?: z.ZodType
  readonly options?: readonly z.ZodType[]
  readonly shape?: Readonly<Record<string, z.ZodType>>
}

const defOf = (schema: z.ZodType): AnyDef => schema.def as unknown as AnyDef

/** Without `optional`, `default`, `pipe` and the like: the type that takes what the user wrote. */
export function innerType(schema: z.ZodType): z.ZodType {
  for (let current = schema; ; ) {
    const def = defOf(current)
    const next = def.type === 'pipe' ? def.in : def.innerType
    if (next === undefined) return current
    current = next
  }
}

/** Keys of a section; null for a type that is not one. */
export function shapeOf(schema: z.ZodType): Readonly<Record<string, z.ZodType>> | null {
  const def = defOf(innerType(schema))
  return def.type === 'object' ? (def.shape ?? {}) : null
}

export const typeName = (schema: z.ZodType): string => defOf(innerType(schema)).type
export const elementOf = (schema: z.ZodType): z.ZodType | undefined => defOf(innerType(schema)).element
export const optionsOf = (schema: z.ZodType): readonly z.ZodType[] => defOf(innerType(schema)).options ?? []

function describe(schema: z.ZodType): string | undefined {
  for (let current: z.ZodType | undefined = schema; current; ) {
    if (current.description !== undefined) return current.description
    const def = defOf(current)
    current = def.type === 'pipe' ? def.in : def.innerType
  }
  return undefined
}

/** `trunk.connectionLimit` -> `WAKUNET_TRUNK_CONNECTION_LIMIT`. */
export function variableName(prefix: string, path: readonly string[]): string {
  const words = path.map((part) => part.replace(/([a-z0-9])([A-Z])/g, '$1_$2').replace(/[^A-Za-z0-9]/g, '_'))
  return [prefix, ...words].join('_').toUpperCase()
}

/**
 * Every key of a schema that takes a value, in the order of the schema.
 * @throws Error when two keys would have the same environment variable: a fault of the schema
 */
export function configKeys(schema: ConfigSchema, prefix: string): ConfigKey[] {
  const keys = collectKeys(schema, [], prefix)
  const variables = new Set<string>()
  for (const { variable, key } of keys) {
    if (variables.has(variable)) throw new Error(`two configuration keys map to ${variable}; rename ${key}`)
    variables.add(variable)
  }
  return keys
}

function collectKeys(schema: z.ZodType, path: readonly string[], prefix: string): ConfigKey[] {
  const shape = shapeOf(schema)
  if (shape !== null)
    return Object.entries(shape).flatMap(([name, inner]) => collectKeys(inner, [...path, name], prefix))
  const variable = variableName(prefix, path)
  return [{ key: path.join('.'), path, variable, schema, description: describe(schema) }]
}
