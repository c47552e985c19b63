/** One word of a POSIX shell, of bash and of zsh. */
export const quoted = (text: string): string => `'${text.replaceAll("'", "'\\''")}'`

/** One word of fish, where backslash and quote are escaped inside single quotes. */
export const fishQuoted = (text: string): string =>
  `'${text.replaceAll('\\', '\\\\').replaceAll("'", "\\'")}'`
