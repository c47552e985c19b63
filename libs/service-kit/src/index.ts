/**
 * What every service needs around its substance: configuration from file, environment and flags; structured
 * log; metrics; health endpoints; life cycle; state files that survive crashes.
 */
export * from './backoff.ts'
export * from './config.ts'
export * from './config-fault.ts'
export { MAX_CONFIG_FILE_BYTES } from './config-file.ts'
export { type ConfigKey, type ConfigSchema, configKeys } from './config-schema.ts'
export * from './exit-codes.ts'
export * from './http-endpoints.ts'
export * from './lifecycle.ts'
export * from './logger.ts'
export * from './metrics.ts'
export * from './process-config.ts'
export * from './rate-limited.ts'
export * from './run-service.ts'
export * from './runtime-flags.ts'
export * from './state-file.ts'
export type { StateFileHandle, StateFs } from './state-fs.ts'
export * from './state-lock.ts'
export * from './system-clock.ts'
