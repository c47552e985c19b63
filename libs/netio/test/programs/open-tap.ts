/** Opens a TAP and prints how that went, for tests that take something away from the process. */
import { WakunetError } from '@wakunet/interface'
import { openTap } from '../../src/index.ts'

const port = openTap({ name: process.argv[2] ?? 'wkchild' })
try {
  await port.start()
  await port.stop()
  console.log(JSON.stringify({ code: 'ok' }))
} catch (error) {
  const known = error instanceof WakunetError
  console.log(JSON.stringify({ code: known ? error.code : 'unknown', message: String(error) }))
}
