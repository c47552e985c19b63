/**
 * Life cycle of everything that holds resources. Both calls are idempotent; a start that fails half-way
 * leaves nothing open; stop never throws for something that is already gone.
 */
export interface Startable {
  start(signal?: AbortSignal): Promise<void>
  stop(): Promise<void>
}
