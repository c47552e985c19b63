/**
 * Letters of other scripts that look like Latin ones, as they are after `toLowerCase`; of Unicode's confusables those that
 * people can type. Both sides of every comparison are folded, so words in these scripts are still found.
 */
const LOOKALIKES: Readonly<Record<string, string>> = {
  // Cyrillic.
  а: 'a',
  в: 'b',
  с: 'c',
  ԁ: 'd',
  е: 'e',
  һ: 'h',
  і: 'i',
  ј: 'j',
  к: 'k',
  ӏ: 'l',
  м: 'm',
  н: 'h',
  о: 'o',
  р: 'p',
  ԛ: 'q',
  г: 'r',
  ѕ: 's',
  т: 't',
  ц: 'u',
  ѵ: 'v',
  ԝ: 'w',
  х: 'x',
  у: 'y',
  ү: 'y',
  // Greek.
  α: 'a',
  β: 'b',
  ϲ: 'c',
  ε: 'e',
  η: 'n',
  ι: 'i',
  κ: 'k',
  μ: 'u',
  ν: 'v',
  ο: 'o',
  ρ: 'p',
  σ: 'o',
  τ: 't',
  υ: 'u',
  χ: 'x',
  γ: 'y',
  // Armenian and Latin.
  օ: 'o',
  ո: 'n',
  ս: 'u',
  հ: 'h',
  ց: 'g',
  ı: 'i',
  ɑ: 'a',
  ɡ: 'g',
  ł: 'l',
  ø: 'o',
  đ: 'd',
  ß: 'ss',
  æ: 'ae',
  œ: 'oe',
  þ: 'p',
}

/**
 * A text as it is compared: without case, marks, compatibility forms and look-alike letters. Two names that fold to the same may
 * be taken for each other.
 */
export function fold(text: string): string {
  const plain = text
    .normalize('NFKD')
    .replace(/\p{M}/gu, '')
    .toLowerCase()
    .normalize('NFKD')
    .replace(/\p{M}/gu, '')
  let folded = ''
  for (const letter of plain) folded += LOOKALIKES[letter] ?? letter
  return folded
}

/** The words of a folded text, at most `most`. */
export function wordsOf(folded: string, most: number): string[] {
  return (folded.match(/[\p{L}\p{N}]+/gu) ?? []).slice(0, most)
}

/**
 * A name without what tells look-alikes apart: spaces, hyphens, and digits that look like letters go as well. Names of one
 * skeleton are never told apart by name.
 */
export function skeletonOf(name: string): string {
  return fold(name)
    .replace(/[^\p{L}\p{N}]+/gu, '')
    .replaceAll('0', 'o')
    .replaceAll(/[1|]/g, 'l')
    .replaceAll('i', 'l')
    .replaceAll('rn', 'm')
    .replaceAll('vv', 'w')
}
