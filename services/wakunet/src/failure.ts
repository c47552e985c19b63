import { WakunetError } from '@wakunet/interface'
import { CommanderError } from 'commander'

/** A failure as people and programs see it; never a stack trace. */
export interface Failure {
  readonly code: string
  readonly message: string
}

/**
 * One error for whatever was thrown: a WakunetError as it is, what commander refused as `ERR_USAGE`, a fault
 * of our own as `ERR_INTERNAL`.
 */
export const asWakunetError = (thrown: unknown): WakunetError => {
  if (thrown instanceof WakunetError) return thrown
  if (thrown instanceof CommanderError) {
    return new WakunetError('ERR_USAGE', thrown.message.replace(/^error: /, ''), { cause: thrown })
  }
  const reason = thrown instanceof Error ? thrown.message : String(thrown)
  return new WakunetError(
    'ERR_INTERNAL',
    `${reason} (a fault in wakunet itself: please report it with the output of "wakunet doctor --json")`,
    { cause: thrown },
  )
}

/** `{"error":{"code","message"}}` on one line, for `--json`. */
export const failureAsJson = (failure: Failure): string =>
  JSON.stringify({ error: { code: failure.code, message: failure.message } })
