import { Lab, type LabInit } from '@wakunet/netlab'
import { withLastWords } from './last-words.ts'
import type { Overlay, System } from './system.ts'

/**
 * Runs a measurement on the hosts of a new lab that a system has joined to one network.
 * @throws WakunetError with what the processes of the system wrote last, where the measurement fails
 */
export async function onOverlay<T>(
  system: System,
  init: LabInit & { readonly signal: AbortSignal },
  measure: (lab: Lab, overlay: Overlay) => Promise<T>,
): Promise<T> {
  await using lab = await Lab.create(init)
  const overlay = await system.up(lab, init.signal)
  try {
    return await measure(lab, overlay)
  } catch (error) {
    throw withLastWords(error, overlay.processes.flat())
  }
}
