import type { ComponentLogger } from '@libp2p/interface'
import type { Logger } from '@wakunet/interface'

/** libp2p's own log goes to the debug level of ours; its formatting cost is spent on errors only. */
export function quietLogger(logger: Logger): ComponentLogger {
  const forComponent = (name: string) => {
    const log = (): void => {}
    const error = (format: string): void => logger.debug(format, { component: name })
    return Object.assign(log, {
      error,
      trace: () => {},
      enabled: false,
      newScope: (scope: string) => forComponent(`${name}:${scope}`),
    }) as ReturnType<ComponentLogger['forComponent']>
  }
  return { forComponent }
}
