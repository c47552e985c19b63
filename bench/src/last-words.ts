import { WakunetError } from '@wakunet/interface'
import type { LabProcess } from '@wakunet/netlab'

/** Of all processes together. */
const SHOWN_CHARACTERS = 3_000

/** The error, with what became of the overlay's processes and what they wrote last: where the reason usually is. */
export function withLastWords(error: unknown, processes: readonly LabProcess[]): WakunetError {
  const message = error instanceof Error ? error.message : String(error)
  const shown = Math.floor(SHOWN_CHARACTERS / Math.max(1, processes.length))
  const words = processes.map((process) => {
    const { stdout, stderr } = process.output()
    return `${describe(process)}: ${`${stdout}${stderr}`.trim().slice(-shown)}`
  })
  return new WakunetError('ERR_COMMAND_FAILED', [message, ...words].join('\n'), { cause: error })
}

function describe({ pid, status }: LabProcess): string {
  if (status === null) return `process ${pid} runs`
  return `process ${pid} ended (${status.signal ?? `code ${status.code}`})`
}
