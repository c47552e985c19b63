import { looksLikeVlanRef } from './vlan-ref.ts'

/** Most UTF-16 units of a VLAN's name. */
export const MAX_VLAN_NAME_LENGTH = 63

/**
 * Control, format (direction marks among them), surrogate, private use and default-ignorable characters, line and
 * paragraph separators: what is not seen, or changes how the rest is seen.
 */
const UNSEEN = /[\p{Cc}\p{Cf}\p{Cs}\p{Co}\p{Zl}\p{Zp}\p{Default_Ignorable_Code_Point}]/u
/** Every space but U+0020. */
const OTHER_SPACE = /(?! )\p{Zs}/u

/**
 * What is wrong with a name for a VLAN, as the end of a sentence that begins with it; null for a good one.
 * docs/protocols/vlan-record.md has the rules.
 */
export function vlanNameFault(name: string): string | null {
  if (name.length === 0) return 'must not be empty'
  if (name.length > MAX_VLAN_NAME_LENGTH) {
    return `must have at most ${MAX_VLAN_NAME_LENGTH} characters, not ${name.length}`
  }
  if (name.trim() !== name) return 'must not begin or end with a space'
  if (looksLikeVlanRef(name)) return 'must not look like a VLAN id'
  return textFault(name)
}

/** What is wrong with a line of text that people read; null for a good one. */
export function textFault(text: string): string | null {
  const unseen = UNSEEN.exec(text) ?? OTHER_SPACE.exec(text)
  if (unseen !== null) return `must not have the invisible or control character ${codePoint(unseen[0])}`
  return text.normalize('NFC') === text ? null : 'must be in Unicode normal form C'
}

function codePoint(character: string): string {
  return `U+${(character.codePointAt(0) ?? 0).toString(16).toUpperCase().padStart(4, '0')}`
}
