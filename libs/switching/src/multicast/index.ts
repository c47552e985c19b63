export * from './group-frame.ts'
export type { MulticastSpeaker } from './group-frames.ts'
export * from './member-groups.ts'
export * from './multicast-switch.ts'
export * from './multicast-targets.ts'
export type { MulticastSide, MulticastStats, PortSnooper } from './port-snooper.ts'
export {
  DEFAULT_MAX_GROUPS,
  DEFAULT_MAX_RECORDS_PER_SECOND,
  DEFAULT_MAX_SOURCES_PER_GROUP,
  PortTable,
  type PortTableInit,
  type PortTableStats,
} from './port-table.ts'
export * from './querier.ts'
export * from './report-exchange.ts'
export * from './timers.ts'
