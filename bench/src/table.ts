/**
 * Text table with a rule below the heading: first column to the left, the others to the right.
 * @param rows cells as text; short rows are filled up
 */
export function renderTable(heading: readonly string[], rows: readonly (readonly string[])[]): string {
  const widths = heading.map((title, column) =>
    Math.max(textWidth(title), ...rows.map((row) => textWidth(row[column] ?? ''))),
  )
  const line = (cells: readonly string[]) =>
    widths
      .map((width, column) => pad(cells[column] ?? '', width, column === 0))
      .join('  ')
      .trimEnd()
  return [line(heading), widths.map((width) => '─'.repeat(width)).join('  '), ...rows.map(line)].join('\n')
}

/** Three significant digits, and no more digits than that after the point. */
export function formatFigure(value: number): string {
  if (!Number.isFinite(value)) return '-'
  if (value >= 100 || value === 0) return Math.round(value).toLocaleString('en-US')
  return String(Number(value.toPrecision(3)))
}

function pad(text: string, width: number, left: boolean): string {
  const fill = ' '.repeat(width - textWidth(text))
  return left ? text + fill : fill + text
}

function textWidth(text: string): number {
  return [...text].length
}
