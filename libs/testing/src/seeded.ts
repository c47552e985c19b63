import fc from 'fast-check'

/**
 * The seed of this run: `TEST_SEED` where it is set, so that a failure can be replayed, else a new one.
 */
export const testSeed: number = seedFrom(process.env.TEST_SEED)

function seedFrom(text: string | undefined): number {
  if (text === undefined || text === '') return (Math.random() * 2 ** 31) | 0
  const seed = Number(text)
  if (!Number.isInteger(seed)) throw new Error(`TEST_SEED must be a whole number, not "${text}"`)
  return seed | 0
}

/**
 * Numbers in [0, 1) that depend on the seed alone (mulberry32, period 2^32). For simulations and fake
 * randomness; never for keys.
 */
export function seededRandom(seed: number = testSeed): () => number {
  let state = seed | 0
  return () => {
    state = (state + 0x6d2b79f5) | 0
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state)
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32
  }
}

/** `length` bytes from a seeded source. */
export function seededBytes(length: number, random: () => number): Uint8Array {
  return Uint8Array.from({ length }, () => Math.floor(random() * 256))
}

/**
 * Checks a fast-check property with this run's seed. A failure names the seed and the way to replay it.
 * `runs` defaults to `TEST_RUNS` or 1,000.
 */
export async function checkProperty<Ts>(
  property: fc.IRawProperty<Ts>,
  options: { readonly runs?: number } = {},
): Promise<void> {
  const numRuns = Number(process.env.TEST_RUNS ?? options.runs ?? 1_000)
  try {
    await fc.assert(property, { seed: testSeed, numRuns })
  } catch (error) {
    throw new Error(`property failed; replay with TEST_SEED=${testSeed}`, { cause: error })
  }
}

/** Runs `body` with a seeded random source; a failure names the seed. For simulations. */
export async function withSeed<T>(body: (random: () => number, seed: number) => T | Promise<T>): Promise<T> {
  try {
    return await body(seededRandom(testSeed), testSeed)
  } catch (error) {
    throw new Error(`failed; replay with TEST_SEED=${testSeed}`, { cause: error })
  }
}
