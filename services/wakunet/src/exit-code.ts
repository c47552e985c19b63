import { type ErrorCode, WakunetError } from '@wakunet/interface'
import { EXIT, exitCodeOf as serviceExitCodeOf } from '@wakunet/service-kit'

/**
 * What the process tells its caller: those of every Wakunet program (1: trying again may help; 2: something has
 * to be changed first, the arguments, the configuration or this machine, and the message says what), and 3: the
 * node cannot be reached.
 */
export const EXIT_CODES = { ...EXIT, notRunning: 3 } as const

const NOT_RUNNING: ReadonlySet<ErrorCode> = new Set<ErrorCode>([
  'ERR_BUS_DISCONNECTED',
  'ERR_BUS_NO_RESPONDER',
  'ERR_BUS_TIMEOUT',
  'ERR_NOT_RUNNING',
])

export const exitCodeOf = (error: unknown): number =>
  error instanceof WakunetError && NOT_RUNNING.has(error.code)
    ? EXIT_CODES.notRunning
    : serviceExitCodeOf(error)
