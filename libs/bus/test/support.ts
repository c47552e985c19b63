import { type ErrorCode, WakunetError } from '@wakunet/interface'

/** For `assert.rejects` and `assert.throws`: a WakunetError of this code. */
export function withCode(code: ErrorCode): (error: unknown) => boolean {
  return (error) => error instanceof WakunetError && error.code === code
}

/** Resolves with the first `count` things that `add` was called with. */
export function collector<T>(count: number): { add: (item: T) => void; items: Promise<T[]>; seen: T[] } {
  const { promise, resolve } = Promise.withResolvers<T[]>()
  const seen: T[] = []
  const add = (item: T) => {
    seen.push(item)
    if (seen.length === count) resolve(seen)
  }
  return { add, items: promise, seen }
}
