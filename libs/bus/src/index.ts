/**
 * The control contract between services and its implementations.
 */
export * from './bus.ts'
export * from './contract.ts'
export * from './schemas.ts'
