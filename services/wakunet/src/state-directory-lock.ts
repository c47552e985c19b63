import { mkdirSync } from 'node:fs'
import type { Startable } from '@wakunet/interface'
import { lockStateDirectory, type StateLock } from '@wakunet/service-kit'

/** Keeps a second node away from the state folder for as long as this one runs, and makes its services' parts. */
export class StateDirectoryLock implements Startable {
  readonly #directory: string
  readonly #parts: readonly string[]
  #lock: StateLock | null = null

  /** @param parts folders inside `directory`, one a service */
  constructor(directory: string, parts: readonly string[]) {
    this.#directory = directory
    this.#parts = parts
  }

  async start(): Promise<void> {
    this.#lock ??= await lockStateDirectory(this.#directory)
    for (const part of this.#parts) mkdirSync(part, { recursive: true, mode: 0o700 })
  }

  async stop(): Promise<void> {
    this.#lock?.release()
    this.#lock = null
  }
}
