import type { z } from 'zod'
import { elementOf, optionsOf, typeName } from './config-schema.ts'

/**
 * The value that a text from a variable or a flag stands for, as the schema wants it: numbers and booleans
 * are read, lists are split at commas, `[...]` and `{...}` are JSON. What cannot be read stays text, so that the
 * schema refuses it with its own words.
 */
export function valueOfText(text: string, schema: z.ZodType): unknown {
  switch (typeName(schema)) {
    case 'number':
      return numberOf(text)
    case 'boolean':
      return booleanOf(text)
    case 'array':
      return listOf(text, elementOf(schema))
    case 'record':
    case 'object':
      return jsonOf(text)
    case 'union':
      return unionOf(text, optionsOf(schema))
    case 'null':
      return text === 'null' || text === '' ? null : text
    default:
      return text
  }
}

function numberOf(text: string): unknown {
  return /^[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?$/i.test(text.trim()) ? Number(text) : text
}

function booleanOf(text: string): unknown {
  const word = text.trim().toLowerCase()
  if (['true', 'yes', 'on', '1'].includes(word)) return true
  if (['false', 'no', 'off', '0'].includes(word)) return false
  return text
}

function listOf(text: string, element: z.ZodType | undefined): unknown {
  const trimmed = text.trim()
  if (trimmed.startsWith('[')) return jsonOf(trimmed)
  if (trimmed === '') return []
  const items = trimmed.split(',').map((item) => item.trim())
  return element === undefined ? items : items.map((item) => valueOfText(item, element))
}

function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return text
  }
}

/** The first reading that one of the options accepts. */
function unionOf(text: string, options: readonly z.ZodType[]): unknown {
  for (const option of options) {
    const value = valueOfText(text, option)
    if (option.safeParse(value).success) return value
  }
  return text
}
