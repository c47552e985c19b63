import type { z } from 'zod'
import { ConfigError, type ConfigFault } from './config-fault.ts'
import { type ConfigFileContent, readConfigFile } from './config-file.ts'
import {
  type ConfigKey,
  type ConfigSchema,
  configKeys,
  elementOf,
  shapeOf,
  typeName,
} from './config-schema.ts'
import { valueOfText } from './config-text.ts'
import { nearest } from './nearest.ts'
import { isSecretName } from './redact.ts'

/** A value from the command line. Undefined means that the flag was not given. */
export interface ConfigFlag {
  /** As the user types it, for example `--listen`. */
  readonly flag: string
  /** The key that it sets, for example `trunk.listen`. */
  readonly key: string
  readonly value: unknown
}

export interface ConfigInit<S extends ConfigSchema> {
  /** Sections are objects; every key has a default or is required. Unknown keys are faults whatever the schema says. */
  readonly schema: S
  /** YAML or JSON. `required` when the user named the file, so that its absence is a fault. */
  readonly file?: { readonly path: string; readonly required: boolean } | undefined
  /** Default: no variables. Pass `process.env`. */
  readonly env?: Readonly<Record<string, string | undefined>>
  /** Default `WAKUNET`. */
  readonly envPrefix?: string
  /** Variables with the prefix that are not configuration, for example `WAKUNET_CONFIG`. */
  readonly otherVariables?: readonly string[]
  readonly flags?: readonly ConfigFlag[]
}

/** A value with the place it came from. */
interface Setting {
  readonly path: readonly string[]
  readonly value: unknown
  readonly place: string
}

/**
 * Flags over environment over file over the schema's defaults; lists are replaced, not joined.
 * @throws ConfigError (`ERR_CONFIG_INVALID`) with every fault at once and its place
 */
export async function loadConfig<S extends ConfigSchema>(init: ConfigInit<S>): Promise<z.output<S>> {
  const keys = configKeys(init.schema, init.envPrefix ?? 'WAKUNET')
  const file = init.file === undefined ? null : await readConfigFile(init.file.path, init.file.required)
  const faults = [...(file?.faults ?? [])]
  const raw = file === null ? {} : keepKnown(init.schema, file.value, [], file, faults)
  const settings = [...fromEnvironment(init, keys, faults), ...fromFlags(init.flags ?? [], keys)]
  for (const setting of settings) assign(raw as Record<string, unknown>, setting)
  const result = init.schema.safeParse(raw)
  if (!result.success) faults.push(...schemaFaults(result.error.issues, { raw, keys, file, settings }))
  if (faults.length > 0 || !result.success) throw new ConfigError(faults)
  return result.data as z.output<S>
}

/** A copy of what the file says without the keys that the schema does not know; those become faults. */
function keepKnown(
  schema: z.ZodType,
  value: unknown,
  path: readonly PropertyKey[],
  file: ConfigFileContent,
  faults: ConfigFault[],
): unknown {
  if (Array.isArray(value) && typeName(schema) === 'array') {
    const element = elementOf(schema)
    return element ? value.map((item, i) => keepKnown(element, item, [...path, i], file, faults)) : value
  }
  const shape = shapeOf(schema)
  if (shape === null) return value
  // `trunk:` with nothing below it is a section with nothing set, not a null.
  if (value === null) return schema.safeParse(null).success ? null : {}
  if (typeof value !== 'object' || Array.isArray(value)) {
    faults.push({
      place: file.placeOf(path),
      key: keyText(path),
      problem: 'must be a section of `key: value` lines',
    })
    return {}
  }
  const kept: Record<string, unknown> = {}
  for (const [name, item] of Object.entries(value)) {
    const here = [...path, name]
    if (Object.hasOwn(shape, name)) kept[name] = keepKnown(shape[name]!, item, here, file, faults)
    else
      faults.push({
        place: file.placeOf(here),
        key: keyText(here),
        problem: unknownKey(path, name, Object.keys(shape)),
      })
  }
  return kept
}

function unknownKey(path: readonly PropertyKey[], name: string, known: readonly string[]): string {
  const near = nearest(name, known)
  if (near !== null) return `unknown key; did you mean ${keyText([...path, near])}?`
  return `unknown key; known here: ${known.join(', ')}`
}

/** Kubernetes sets `<SERVICE>_PORT=tcp://...` and the like for each Service; `wakunet-...` ones have our prefix. */
const isServiceLink = (name: string, value: string): boolean =>
  /_SERVICE_(HOST|PORT)(_|$)|_PORT_\d+_(TCP|UDP|SCTP)(_|$)/.test(name) || /^(tcp|udp|sctp):\/\//.test(value)

function fromEnvironment<S extends ConfigSchema>(
  init: ConfigInit<S>,
  keys: readonly ConfigKey[],
  faults: ConfigFault[],
): Setting[] {
  const byVariable = new Map(keys.map((key) => [key.variable, key]))
  const settings: Setting[] = []
  for (const [name, text] of Object.entries(init.env ?? {})) {
    if (text === undefined || !name.startsWith(`${init.envPrefix ?? 'WAKUNET'}_`)) continue
    const key = byVariable.get(name)
    if (key) settings.push({ path: key.path, value: valueOfText(text, key.schema), place: name })
    else if (!init.otherVariables?.includes(name) && !isServiceLink(name, text))
      faults.push({ place: name, key: '', problem: unknownVariable(name, [...byVariable.keys()]) })
  }
  return settings
}

function unknownVariable(name: string, known: readonly string[]): string {
  const near = nearest(name, known)
  return near === null
    ? 'unknown environment variable; unset it'
    : `unknown environment variable; did you mean ${near}?`
}

function fromFlags(flags: readonly ConfigFlag[], keys: readonly ConfigKey[]): Setting[] {
  return flags.flatMap(({ flag, key, value }) => {
    if (value === undefined) return []
    const target = keys.find((k) => k.key === key)
    if (target === undefined) throw new Error(`flag ${flag} sets ${key}, which the schema does not have`)
    return [{ path: target.path, value: flagValue(value, target.schema), place: flag }]
  })
}

function flagValue(value: unknown, schema: z.ZodType): unknown {
  if (typeof value === 'string') return valueOfText(value, schema)
  const element = elementOf(schema)
  if (!Array.isArray(value) || element === undefined) return value
  return value.map((item) => (typeof item === 'string' ? valueOfText(item, element) : item))
}

function assign(target: Record<string, unknown>, { path, value }: Setting): void {
  let section = target
  for (const part of path.slice(0, -1)) {
    const inner = section[part]
    if (typeof inner !== 'object' || inner === null || Array.isArray(inner)) section[part] = {}
    section = section[part] as Record<string, unknown>
  }
  section[path.at(-1)!] = value
}

interface FaultContext {
  readonly raw: unknown
  readonly keys: readonly ConfigKey[]
  readonly file: ConfigFileContent | null
  readonly settings: readonly Setting[]
}

type Issue = z.core.$ZodIssue

function schemaFaults(issues: readonly Issue[], context: FaultContext): ConfigFault[] {
  return issues.map((issue) => {
    const value = valueAt(context.raw, issue.path)
    const key = keyOf(issue.path, context.keys)
    const missing = value === undefined && issue.code === 'invalid_type'
    const wanted = key?.description === undefined ? '' : ` (${key.description})`
    const problem = missing
      ? `is missing; ${howToSet(issue.path, key)}`
      : `${problemOf(issue)}${got(issue.path, value)}`
    return {
      place: placeOf(issue.path, missing, context),
      key: keyText(issue.path),
      problem: problem + wanted,
    }
  })
}

/** Of a union the option that came nearest speaks: the one that failed deepest, else all of them. */
function problemOf(issue: Issue): string {
  if (issue.code !== 'invalid_union' || issue.errors.length === 0) return plain(issue.message)
  const each = issue.errors.map((errors) => errors.map((e) => plain(e.message)).join(' and '))
  return [...new Set(each)].join(', or ')
}

const plain = (message: string): string =>
  message.replace(/^Invalid (input|option|string): /, '').replace(/^Too (big|small): /, '')

function got(path: readonly PropertyKey[], value: unknown): string {
  if (path.some((part) => isSecretName(String(part)))) return ''
  const text = JSON.stringify(value)
  if (text === undefined) return ''
  return `, got ${text.length > 80 ? `${text.slice(0, 80)}…` : text}`
}

function howToSet(path: readonly PropertyKey[], key: ConfigKey | undefined): string {
  return key === undefined || path.length > key.path.length
    ? 'add it'
    : `set ${key.key} in the file or ${key.variable} in the environment`
}

/** The setting that gave the value; the place in the file; or where a missing key belongs. */
function placeOf(
  path: readonly PropertyKey[],
  missing: boolean,
  { file, settings, keys }: FaultContext,
): string {
  const setting = settings.findLast((s) => s.path.every((part, i) => part === path[i]))
  if (setting) return setting.place
  if (file !== null) return file.placeOf(path)
  return missing ? (keyOf(path, keys)?.variable ?? 'configuration') : 'configuration'
}

const keyOf = (path: readonly PropertyKey[], keys: readonly ConfigKey[]): ConfigKey | undefined =>
  keys.find((key) => key.path.every((part, i) => part === path[i]))

function valueAt(value: unknown, path: readonly PropertyKey[]): unknown {
  return path.reduce<unknown>(
    (inner, part) =>
      typeof inner === 'object' && inner !== null ? (inner as Record<PropertyKey, unknown>)[part] : undefined,
    value,
  )
}

function keyText(path: readonly PropertyKey[]): string {
  return path.reduce<string>((text, part) => {
    if (typeof part === 'number') return `${text}[${part}]`
    return text === '' ? String(part) : `${text}.${String(part)}`
  }, '')
}
