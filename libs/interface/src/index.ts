/**
 * Types, error classes and constants that every other project speaks. No I/O and no run time of its own.
 */
export * from './clock.ts'
export * from './errors.ts'
export * from './frame-lane.ts'
export * from './frames.ts'
export * from './ids.ts'
export * from './logger.ts'
export * from './startable.ts'
export * from './tap-port.ts'
