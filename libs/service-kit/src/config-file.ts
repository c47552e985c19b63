import { type FileHandle, open } from 'node:fs/promises'
import { isMap, isScalar, isSeq, LineCounter, type Node, parseDocument } from 'yaml'
import type { ConfigFault } from './config-fault.ts'

/** A configuration file is written by hand: anything larger is not one. */
export const MAX_CONFIG_FILE_BYTES = 256 * 1024

/** What a file says, with the place of every value. */
export interface ConfigFileContent {
  readonly value: unknown
  /** `FILE:LINE:COLUMN` of the value at a path, or of the nearest thing around it. */
  placeOf(path: readonly PropertyKey[]): string
  readonly faults: readonly ConfigFault[]
}

/** Reads a YAML (or JSON) file. A file that is not there is a fault only when somebody asked for it by name. */
export async function readConfigFile(path: string, mustExist: boolean): Promise<ConfigFileContent> {
  let text: string
  try {
    text = await readBounded(path)
  } catch (error) {
    const missing = (error as NodeJS.ErrnoException).code === 'ENOENT'
    return nothing(path, missing && !mustExist ? [] : [{ place: path, key: '', problem: readProblem(error) }])
  }
  return parseConfigText(path, text)
}

const nothing = (path: string, faults: readonly ConfigFault[]): ConfigFileContent => ({
  value: {},
  placeOf: () => path,
  faults,
})

async function readBounded(path: string): Promise<string> {
  const file = await open(path, 'r')
  try {
    return decodeUtf8(await readUpTo(file, MAX_CONFIG_FILE_BYTES))
  } finally {
    await file.close()
  }
}

async function readUpTo(file: FileHandle, limit: number): Promise<Uint8Array> {
  const bytes = new Uint8Array(limit + 1)
  let length = 0
  while (length < bytes.length) {
    const { bytesRead } = await file.read(bytes, length, bytes.length - length, null)
    if (bytesRead === 0) return bytes.subarray(0, length)
    length += bytesRead
  }
  throw new Error(`is larger than ${limit} bytes; a configuration file must be smaller`)
}

function decodeUtf8(bytes: Uint8Array): string {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes)
  } catch {
    throw new Error('is not UTF-8 text; a configuration file must be')
  }
}

function readProblem(error: unknown): string {
  const { code, message } = error as NodeJS.ErrnoException
  if (code === 'ENOENT') return 'there is no such file; create it or name another one'
  if (code === 'EACCES') return 'may not be read by this user; check its permissions'
  if (code === 'EISDIR') return 'is a folder; name a file'
  return code === undefined ? message : `cannot be read (${code})`
}

/** Parses the text of a file; `path` is only for the places. */
export function parseConfigText(path: string, text: string): ConfigFileContent {
  const lines = new LineCounter()
  const at = (offset: number | undefined): string => {
    if (offset === undefined) return path
    const { line, col } = lines.linePos(offset)
    return `${path}:${line}:${col}`
  }
  try {
    const document = parseDocument(text, {
      lineCounter: lines,
      prettyErrors: false,
      strict: true,
      uniqueKeys: true,
    })
    const problems = [...document.errors, ...document.warnings]
    if (problems.length > 0)
      return nothing(
        path,
        problems.map((e) => ({ place: at(e.pos[0]), key: '', problem: firstLine(e.message) })),
      )
    const root = document.contents as Node | null
    const value = document.toJS({ maxAliasCount: 50 }) ?? {}
    if (root !== null && !isMap(root) && !isEmptyScalar(root))
      return nothing(path, [
        { place: at(root.range?.[0]), key: '', problem: 'must be a list of `key: value` lines' },
      ])
    return { value, placeOf: (keys) => at(offsetOf(root, keys)), faults: [] }
  } catch (error) {
    // The parser runs out of stack on absurd nesting, and refuses too many aliases when it converts.
    return nothing(path, [
      { place: path, key: '', problem: `cannot be parsed: ${firstLine((error as Error).message)}` },
    ])
  }
}

const isEmptyScalar = (node: Node): boolean => isScalar(node) && node.value === null
const firstLine = (text: string): string => text.split('\n')[0] ?? ''

/** Where the deepest part of `path` that the file has begins: the key of a map entry, the item of a list. */
function offsetOf(root: Node | null, path: readonly PropertyKey[]): number | undefined {
  let node: unknown = root
  let offset = root?.range?.[0]
  for (const part of path) {
    if (isMap(node)) {
      const pair = node.items.find(({ key }) => isScalar(key) && String(key.value) === String(part))
      if (pair === undefined) return offset
      offset = (pair.key as Node).range?.[0] ?? offset
      node = pair.value
    } else if (isSeq(node)) {
      node = node.items[Number(part)]
      offset = (node as Node | undefined)?.range?.[0] ?? offset
    } else return offset
  }
  return offset
}
