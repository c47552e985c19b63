/**
 * Fakes and helpers for tests; nothing outside `test/`, `integration-tests/` and `bench/` may import it.
 */
export * from './fake-clock.ts'
export * from './member-list.ts'
export * from './nats-server.ts'
export * from './prerequisites.ts'
export * from './recording-logger.ts'
export * from './resources.ts'
export * from './seeded.ts'
