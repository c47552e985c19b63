/**
 * An order of the numbers from `first` to `first + size - 1` that visits each once before any comes again, and looks random.
 * Attempts are places in it.
 */
export class AddressWalk {
  readonly #first: number
  readonly #size: number
  readonly #start: number
  readonly #step: number

  /** @param random 16 bytes of whose walk it is */
  constructor(first: number, size: number, random: Uint8Array) {
    this.#first = first
    this.#size = size
    this.#start = toNumber(random.subarray(0, 6)) % size
    this.#step = coprimeStep(toNumber(random.subarray(8, 14)), size)
  }

  at(attempt: number): number {
    return this.#first + ((this.#start + (attempt % this.#size) * this.#step) % this.#size)
  }
}

/** A step that visits every one of `size` places before it comes back: one without a common divisor. */
function coprimeStep(seed: number, size: number): number {
  let step = 1 + (seed % size)
  while (greatestCommonDivisor(step, size) !== 1) step++
  return step % size
}

function greatestCommonDivisor(a: number, b: number): number {
  return b === 0 ? a : greatestCommonDivisor(b, a % b)
}

/** Big-endian, at most six bytes. */
function toNumber(bytes: Uint8Array): number {
  return bytes.reduce((value, byte) => value * 256 + byte, 0)
}
