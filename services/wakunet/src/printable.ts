/**
 * Text from other hosts (VLAN names, host names, errors) without control and formatting characters: it must
 * not move the cursor, change the title or hide itself on the terminal that shows it.
 */
export const printable = (text: string): string => text.replaceAll(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/gu, '\ufffd')
