import type { z } from 'zod'

/** A zod check out of a function that says what is wrong with a text, as the end of a sentence; null for a good one. */
export function fault(find: (text: string) => string | null): z.core.CheckFn<string> {
  return (payload) => {
    const message = find(payload.value)
    if (message !== null) payload.issues.push({ code: 'custom', message, input: payload.value })
  }
}
