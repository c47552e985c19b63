import { writeFileSync } from 'node:fs'
import { WakunetError } from '@wakunet/interface'

/** Writes what `--json` asked for. @param file null for nowhere */
export function writeReport(file: string | null, report: object): void {
  if (file === null) return
  try {
    writeFileSync(file, `${JSON.stringify(report, null, 2)}\n`)
  } catch (error) {
    throw new WakunetError('ERR_USAGE', `--json: ${(error as Error).message}`, { cause: error })
  }
}
