import { WakunetError } from '@wakunet/interface'
import { z } from 'zod'

const lockSchema = z.object({
  packages: z.record(
    z.string(),
    z.object({
      version: z.string().optional(),
      integrity: z.string().optional(),
      link: z.boolean().optional(),
    }),
  ),
})

/**
 * Whether two package-lock.json files name the same third-party packages in the same places; our own do not count.
 * @throws WakunetError `ERR_DECODE`
 */
export function sameThirdParties(a: string, b: string): boolean {
  const [ours, theirs] = [thirdPartiesOf(a), thirdPartiesOf(b)]
  if (ours.size !== theirs.size) return false
  for (const [place, what] of ours) if (theirs.get(place) !== what) return false
  return true
}

function thirdPartiesOf(text: string): Map<string, string> {
  const parsed = lockSchema.safeParse(parseJson(text))
  if (!parsed.success) throw new WakunetError('ERR_DECODE', 'this is no package-lock.json with packages')
  const entries = Object.entries(parsed.data.packages)
  return new Map(
    entries
      .filter(([place, { link }]) => place.includes('node_modules/') && link !== true)
      .map(([place, { version = '', integrity = '' }]) => [place, `${version} ${integrity}`]),
  )
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}
