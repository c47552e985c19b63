/** Light modules around the code (ISO/IEC 18004 §5.3.8). */
const QUIET_ZONE = 4
const BLACK_ON_WHITE = '\x1b[30;107m'
const RESET = '\x1b[0m'

/**
 * A QR code as lines of a terminal, two rows of modules a line. In colour it is black on white; without, what is light is drawn, for
 * terminals whose background is dark.
 * @param text of letters in upper case, digits and `$%*+-./: `
 */
export const qrCodeLines = async (text: string, colour: boolean): Promise<readonly string[]> => {
  const { encodeQR } = await import('qr')
  const modules = encodeQR(text, 'raw', { ecc: 'low', encoding: 'alphanumeric', border: QUIET_ZONE })
  const lines: string[] = []
  for (let row = 0; row < modules.length; row += 2) {
    const [upper = [], lower = []] = [modules[row], modules[row + 1]]
    const cells = upper.map((dark, column) => half(dark === colour, (lower[column] ?? false) === colour))
    lines.push(colour ? `${BLACK_ON_WHITE}${cells.join('')}${RESET}` : cells.join(''))
  }
  return lines
}

/** The character with its upper and lower half drawn or not. */
const half = (upper: boolean, lower: boolean): string => {
  if (upper) return lower ? '\u2588' : '\u2580'
  return lower ? '\u2584' : ' '
}
