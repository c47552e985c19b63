import { getSystemErrorName } from 'node:util'
import { WakunetError } from '@wakunet/interface'

/** Name of a system error as the addon and `node:child_process` give it, for example `EPERM`. */
export function systemCode(error: unknown): string | undefined {
  if (!(error instanceof Error) || !('code' in error)) return undefined
  return typeof error.code === 'string' ? error.code : undefined
}

/** A system call that failed for a reason that has no code of its own. `errno` is positive. */
export function systemCallError(what: string, errno: number): WakunetError {
  return new WakunetError('ERR_SYSTEM_CALL', `${what}: the kernel answered ${getSystemErrorName(-errno)}.`)
}
