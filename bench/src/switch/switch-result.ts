import type { PathName, SwitchCase } from './cases.ts'
import type { FanOutCost } from './fan-out.ts'
import type { CaseCost } from './measure-case.ts'
import type { SubjectName } from './subject.ts'

/** One line of the report. */
export interface SwitchResult extends SwitchCase, CaseCost {
  readonly subject: SubjectName
  readonly path: PathName
}

/** What the process of one subject prints. */
export interface SubjectResults {
  readonly cases: readonly SwitchResult[]
  /** Of the fabric alone. */
  readonly fanOut: readonly FanOutCost[]
}
