import { InProcessBusHub } from '../src/index.ts'
import { busCompliance } from './bus-compliance.ts'
import { MemoryLogger, realClock } from './support.ts'

busCompliance('InProcessBusHub', async () => {
  const hub = new InProcessBusHub({ logger: new MemoryLogger(), clock: realClock })
  return {
    connect: async (role) => {
      const bus = hub.connect(role)
      await bus.start()
      return bus
    },
    settled: async () => {},
    [Symbol.asyncDispose]: async () => {},
  }
})
