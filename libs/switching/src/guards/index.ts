export {
  type Binding,
  type BindingOwner,
  type BindingStats,
  BindingTable,
  type BindingTableInit,
  type ClaimVerdict,
  MAX_CHALLENGES,
  MAX_CHALLENGES_PER_OWNER,
} from './bindings.ts'
export { FRAGMENT_LIFETIME_MS, MAX_FRAGMENT_RANGES, MAX_FRAGMENTED_DATAGRAMS } from './fragment-table.ts'
export * from './guard-chain.ts'
export * from './guard-drops.ts'
export type { GuardTraffic } from './guard-frame.ts'
export * from './guard-port.ts'
export type { TagPolicy } from './tag-guard.ts'
