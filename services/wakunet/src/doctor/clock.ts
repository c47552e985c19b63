import { type CheckResult, fail, ok, warn } from './check.ts'

/** Wakunet is younger than this: a clock before it was never set. */
const BEFORE_WAKUNET_MS = Date.UTC(2026, 0, 1)
/** Between the wall clock and the monotonic one since this process started. */
const MAX_DRIFT_MS = 250

export interface ClockReading {
  readonly wallMs: number
  /** When this process started, plus the monotonic time since then. */
  readonly expectedMs: number
  /** When the files of this installation were written; 0 where unknown. */
  readonly builtMs: number
}

/** VLAN records expire by the wall clock, so it has to be about right. */
export const checkClock = ({ wallMs, expectedMs, builtMs }: ClockReading): CheckResult => {
  const shown = new Date(wallMs).toISOString()
  const advice = 'set the clock: timedatectl set-ntp true, or start an NTP client such as chrony'
  if (wallMs < BEFORE_WAKUNET_MS) return fail('clock', `the clock says ${shown}, before 2026`, advice)
  if (wallMs < builtMs) {
    return fail(
      'clock',
      `the clock says ${shown}, before this installation was written (${new Date(builtMs).toISOString()})`,
      advice,
    )
  }
  const driftMs = Math.round(wallMs - expectedMs)
  if (Math.abs(driftMs) > MAX_DRIFT_MS) {
    return warn(
      'clock',
      `the clock jumped by ${driftMs} ms while this command ran`,
      'let one NTP client alone set the clock',
    )
  }
  return ok('clock', shown)
}
