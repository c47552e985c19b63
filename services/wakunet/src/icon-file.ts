import { open, writeFile } from 'node:fs/promises'
import { type CheckedIcon, checkIcon, MAX_ICON_BYTES } from '@wakunet/icon'
import { decodeVlanRecord } from '@wakunet/identity'
import { WakunetError } from '@wakunet/interface'

/** Reads an icon for a VLAN as the bus takes it, base64. @throws WakunetError `ERR_USAGE` that names the file and what is wrong with it */
export const readIcon = async (path: string): Promise<string> => {
  const bytes = await readBounded(path)
  const found = checkIcon(bytes)
  if ('fault' in found) throw new WakunetError('ERR_USAGE', `--icon: ${path} ${found.fault}`)
  return Buffer.from(bytes).toString('base64')
}

/** One byte more than an icon may have, so that a larger file shows and none is read whole. */
const readBounded = async (path: string): Promise<Uint8Array> => {
  try {
    await using file = await open(path, 'r')
    const { buffer, bytesRead } = await file.read({ buffer: new Uint8Array(MAX_ICON_BYTES + 1), position: 0 })
    return buffer.subarray(0, bytesRead)
  } catch (cause) {
    throw new WakunetError('ERR_USAGE', `--icon: cannot read ${path}: ${(cause as Error).message}`, { cause })
  }
}

/**
 * Writes the icon of a signed record into a new file, as it is.
 * @param encoded the record, base64
 * @returns what it is
 * @throws WakunetError `ERR_USAGE` where the record has none, or the file is there already
 */
export const writeIcon = async (path: string, encoded: string): Promise<CheckedIcon> => {
  const { icon } = decodeVlanRecord(Buffer.from(encoded, 'base64'), 0)
  const found = icon === undefined ? null : checkIcon(icon)
  if (icon === undefined || found === null || 'fault' in found)
    throw new WakunetError('ERR_USAGE', '--icon: the VLAN has no icon')
  try {
    // A new file alone: the bytes come from somebody else, and must not land in a file that something runs.
    await writeFile(path, icon, { flag: 'wx', mode: 0o644 })
  } catch (cause) {
    throw new WakunetError('ERR_USAGE', `--icon: cannot write ${path}: ${(cause as Error).message}`, {
      cause,
    })
  }
  return found
}
