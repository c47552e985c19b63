import { WakunetError } from '@wakunet/interface'

/** One thing that is wrong with the configuration. */
export interface ConfigFault {
  /** Where: `FILE:LINE:COLUMN`, the name of a variable or of a flag, or where a missing key belongs. */
  readonly place: string
  /** For example `trunk.listen`; empty for the file as a whole. */
  readonly key: string
  /** What was wrong and what would be right. */
  readonly problem: string
}

/** `ERR_CONFIG_INVALID` with every fault, in the message for people and in `faults` for programs. */
export class ConfigError extends WakunetError {
  readonly faults: readonly ConfigFault[]

  constructor(faults: readonly ConfigFault[]) {
    const title =
      faults.length === 1
        ? 'The configuration has a fault:'
        : `The configuration has ${faults.length} faults:`
    super('ERR_CONFIG_INVALID', [title, ...faults.map((fault) => `  ${faultLine(fault)}`)].join('\n'))
    this.faults = faults
  }
}

function faultLine({ place, key, problem }: ConfigFault): string {
  if (key === '') return `${place}: ${problem}`
  return `${place}: ${key}: ${problem}`
}
