import { systemClock } from '@wakunet/service-kit'
import { recordingLogger } from '@wakunet/testing'
import { InProcessBusHub } from '../src/index.ts'
import { busCompliance } from './bus-compliance.ts'

busCompliance('InProcessBusHub', async () => {
  const hub = new InProcessBusHub({ logger: recordingLogger(), clock: systemClock })
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
