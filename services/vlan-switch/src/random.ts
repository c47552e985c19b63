/** That many random bytes, from a source that nobody can predict. */
export type Random = (bytes: number) => Uint8Array

/** A number in [0, 1) made of 32 random bits: enough for jitter. */
export function randomUnit(random: Random): number {
  const bytes = random(4)
  return (bytes[0]! * 0x100_0000 + bytes[1]! * 0x1_0000 + bytes[2]! * 0x100 + bytes[3]!) / 0x1_0000_0000
}

export function randomUint32(random: Random): number {
  return Math.floor(randomUnit(random) * 0x1_0000_0000)
}
