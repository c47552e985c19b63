import type { BusStats } from './bus.ts'

/** The counters while they are being counted. */
export type BusCounters = { -readonly [K in keyof BusStats]: BusStats[K] }

export function newBusCounters(): BusCounters {
  return {
    requestsSent: 0,
    requestsFailed: 0,
    requestsAnswered: 0,
    eventsPublished: 0,
    eventsReceived: 0,
    payloadsInvalid: 0,
    overloaded: 0,
    reconnects: 0,
  }
}
