import type { StateFileHandle, StateFs } from '../../src/index.ts'

/** Stands for a process that was killed: after some steps nothing reaches the disk any more. */
export class CrashingFs implements StateFs {
  readonly #inner: StateFs
  #left: number

  constructor(inner: StateFs, steps: number) {
    this.#inner = inner
    this.#left = steps
  }

  #step<T>(run: () => Promise<T>): Promise<T> {
    if (this.#left-- <= 0) return Promise.reject(new Error('killed'))
    return run()
  }

  read(path: string, limit: number) {
    return this.#inner.read(path, limit)
  }

  async create(path: string): Promise<StateFileHandle> {
    const file = await this.#step(() => this.#inner.create(path))
    return {
      // Half of the bytes come first: a kill in the middle of a write.
      write: async (bytes) => {
        await this.#step(() => file.write(bytes.subarray(0, bytes.length >> 1)))
        await this.#step(() => file.write(bytes.subarray(bytes.length >> 1)))
      },
      sync: () => this.#step(() => file.sync()),
      // The kernel closes the files of a dead process.
      close: () => file.close(),
    }
  }

  rename(from: string, to: string) {
    return this.#step(() => this.#inner.rename(from, to))
  }

  remove(path: string) {
    return this.#step(() => this.#inner.remove(path))
  }

  syncDirectory(path: string) {
    return this.#step(() => this.#inner.syncDirectory(path))
  }
}

export class PowerCut extends Error {}

interface File {
  written: Uint8Array
  /** Bytes that survive a power cut for certain. */
  durable: Uint8Array
}

/**
 * A disk that loses power: of unsynced content any prefix survives, filled up with zeros as journals do; names
 * survive as they were at some moment since the folder was last synced.
 */
export class MemoryDisk implements StateFs {
  readonly #random: () => number
  #names = new Map<string, File>()
  /** The folder at every moment since it was last synced. */
  #history: Map<string, File>[] = [new Map()]
  #left = Number.POSITIVE_INFINITY

  constructor(random: () => number) {
    this.#random = random
  }

  /** The power goes after so many more steps. */
  cutAfter(steps: number): void {
    this.#left = steps
  }

  powerOn(): void {
    const survived =
      this.#history[Math.floor(this.#random() * this.#history.length)] ?? new Map<string, File>()
    for (const file of survived.values()) {
      if (file.written !== file.durable) file.written = this.#torn(file.written)
      file.durable = file.written
    }
    this.#names = new Map(survived)
    this.#history = [survived]
    this.#left = Number.POSITIVE_INFINITY
  }

  #torn(bytes: Uint8Array): Uint8Array {
    const kept = Math.floor(this.#random() * (bytes.length + 1))
    return Uint8Array.from(bytes, (byte, i) => (i < kept ? byte : 0))
  }

  #step(): void {
    if (this.#left-- <= 0) throw new PowerCut()
  }

  #changed(): void {
    this.#history.push(new Map(this.#names))
  }

  async read(path: string): Promise<Uint8Array | null> {
    return this.#names.get(path)?.written ?? null
  }

  async create(path: string): Promise<StateFileHandle> {
    this.#step()
    const empty = new Uint8Array()
    const file: File = { written: empty, durable: empty }
    this.#names.set(path, file)
    this.#changed()
    return {
      write: async (bytes) => {
        this.#step()
        file.written = Uint8Array.from([...file.written, ...bytes])
      },
      sync: async () => {
        this.#step()
        file.durable = file.written
      },
      close: async () => {},
    }
  }

  async rename(from: string, to: string): Promise<void> {
    this.#step()
    const file = this.#names.get(from)
    if (file === undefined) throw new Error(`no ${from}`)
    this.#names.set(to, file)
    this.#names.delete(from)
    this.#changed()
  }

  async remove(path: string): Promise<void> {
    this.#step()
    if (this.#names.delete(path)) this.#changed()
  }

  async syncDirectory(): Promise<void> {
    this.#step()
    this.#history = [new Map(this.#names)]
  }
}
