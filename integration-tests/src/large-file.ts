import { createCipheriv, createHash } from 'node:crypto'
import { open } from 'node:fs/promises'

const CHUNK_BYTES = 4 * 1024 * 1024

/**
 * Writes a file that does not compress and whose every block is different: AES-128 in counter mode over zeros.
 * @returns its SHA-256 in hexadecimal digits
 */
export async function writeLargeFile(path: string, bytes: number): Promise<string> {
  const cipher = createCipheriv('aes-128-ctr', Buffer.alloc(16), Buffer.alloc(16))
  const hash = createHash('sha256')
  const zeros = Buffer.alloc(CHUNK_BYTES)
  const file = await open(path, 'wx')
  try {
    for (let left = bytes; left > 0; left -= CHUNK_BYTES) {
      const chunk = cipher.update(zeros.subarray(0, Math.min(left, CHUNK_BYTES)))
      hash.update(chunk)
      await file.write(chunk)
    }
  } finally {
    await file.close()
  }
  return hash.digest('hex')
}
