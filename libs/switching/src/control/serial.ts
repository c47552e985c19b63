/** Whether a 32-bit serial number (RFC 1982) comes before another, of which 0 means that there is none yet. */
export function isOlder(number: number, than: number): boolean {
  return than !== 0 && number !== than && ((number - than) | 0) < 0
}
