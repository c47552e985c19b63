import { closeSync, fstatSync, openSync, readSync } from 'node:fs'

const LINES = 15
const MAX_BYTES = 16 * 1024

/** The last lines of a log file; empty where there is none. */
export const logTail = (file: string): string => {
  let descriptor: number
  try {
    descriptor = openSync(file, 'r')
  } catch {
    return ''
  }
  try {
    const { size } = fstatSync(descriptor)
    const bytes = Buffer.alloc(Math.min(size, MAX_BYTES))
    const length = readSync(descriptor, bytes, 0, bytes.length, size - bytes.length)
    return bytes.toString('utf8', 0, length).trimEnd().split('\n').slice(-LINES).join('\n')
  } finally {
    closeSync(descriptor)
  }
}
