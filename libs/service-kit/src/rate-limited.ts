import type { Clock, LogFields, Logger } from '@wakunet/interface'

/** Messages with a budget of their own; all others share one. */
const MAX_MESSAGES = 64
const MINUTE_MS = 60_000

interface Budget {
  tokens: number
  filledAtMs: number
  suppressed: number
}

type Level = 'debug' | 'info' | 'warn' | 'error'

/**
 * A logger that a hostile peer cannot fill: each message gets `perMinute` lines a minute. What was left out
 * is told as `suppressed` on the next line that passes. Messages are constant texts; what varies is a field.
 */
export function rateLimited(logger: Logger, clock: Clock, perMinute: number): Logger {
  const budgets = new Map<string, Budget>()
  const limited =
    (level: Level) =>
    (message: string, fields: LogFields = {}): void => {
      const budget = budgetOf(budgets, `${level} ${message}`, clock, perMinute)
      if (budget.tokens < 1) {
        budget.suppressed++
        return
      }
      budget.tokens--
      const suppressed = budget.suppressed > 0 ? { suppressed: budget.suppressed } : {}
      budget.suppressed = 0
      logger[level](message, { ...fields, ...suppressed })
    }
  return {
    debug: limited('debug'),
    info: limited('info'),
    warn: limited('warn'),
    error: limited('error'),
    child: (name) => rateLimited(logger.child(name), clock, perMinute),
  }
}

function budgetOf(budgets: Map<string, Budget>, message: string, clock: Clock, perMinute: number): Budget {
  const name = budgets.has(message) || budgets.size < MAX_MESSAGES ? message : 'all others'
  const nowMs = clock.monotonicMs()
  const budget = budgets.get(name) ?? { tokens: perMinute, filledAtMs: nowMs, suppressed: 0 }
  budgets.set(name, budget)
  const earned = ((nowMs - budget.filledAtMs) * perMinute) / MINUTE_MS
  budget.tokens = Math.min(perMinute, budget.tokens + earned)
  budget.filledAtMs = nowMs
  return budget
}
