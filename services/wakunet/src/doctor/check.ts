/** What a check found: `warn` works but not well, `fail` keeps a node from working. */
export type CheckState = 'ok' | 'warn' | 'fail'

export interface CheckResult {
  /** Stable name, for programs. */
  readonly id: string
  readonly state: CheckState
  /** What was looked at and how it is. */
  readonly found: string
  /** What to do; null where nothing has to be done. */
  readonly advice: string | null
}

export const ok = (id: string, found: string): CheckResult => ({ id, state: 'ok', found, advice: null })

export const warn = (id: string, found: string, advice: string): CheckResult => ({
  id,
  state: 'warn',
  found,
  advice,
})

export const fail = (id: string, found: string, advice: string): CheckResult => ({
  id,
  state: 'fail',
  found,
  advice,
})
