import { stripVTControlCharacters } from 'node:util'

const GAP = '  '

/** Characters that `text` takes on a terminal, without its colours. */
const widthOf = (text: string): number => stripVTControlCharacters(text).length

/**
 * Lines of a table with left-aligned columns as wide as their widest cell; nothing trails a line. Cells may
 * be coloured.
 */
export const formatTable = (
  headings: readonly string[],
  rows: readonly (readonly string[])[],
): readonly string[] => {
  const all = [headings, ...rows]
  const widths = headings.map((_, column) => Math.max(...all.map((row) => widthOf(row[column] ?? ''))))
  return all.map((row) =>
    row
      .map((cell, column) => cell + ' '.repeat(Math.max(0, (widths[column] ?? 0) - widthOf(cell))))
      .join(GAP)
      .trimEnd(),
  )
}

/** Lines of `label  value` with the values under each other. */
export const formatFields = (
  fields: readonly (readonly [label: string, value: string])[],
): readonly string[] => {
  const width = Math.max(0, ...fields.map(([label]) => label.length))
  return fields.map(([label, value]) => `${label.padEnd(width)}${GAP}${value}`.trimEnd())
}
