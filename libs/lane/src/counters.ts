import type { LaneStats } from '@wakunet/interface'

/** The counters of one connection while they are being counted. */
export type LaneCounters = { -readonly [K in Exclude<keyof LaneStats, 'queuedBytes'>]: LaneStats[K] }

export function newLaneCounters(): LaneCounters {
  return {
    messagesSent: 0,
    bytesSent: 0,
    messagesReceived: 0,
    bytesReceived: 0,
    messagesDropped: 0,
    messagesInvalid: 0,
  }
}
