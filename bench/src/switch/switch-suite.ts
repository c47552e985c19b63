import path from 'node:path'
import { runCommand } from '@wakunet/netlab'
import type { Suite } from '../suite.ts'
import { SUBJECT_NAMES } from './subject.ts'
import type { SubjectResults } from './switch-result.ts'
import { renderSwitch } from './switch-text.ts'

const PROGRAM = path.join(import.meta.dirname, 'program.ts')
const SECONDS = 0.1
const QUICK_SECONDS = 0.03
const TIMEOUT_MS = 180_000
/** The young generation takes what some runs leave, so that no collection hides a part of it. */
const NODE_FLAGS = ['--expose-gc', '--max-semi-space-size=64', '--no-warnings']

/** What a frame costs in the switch alone. No I/O: it needs neither root nor a network. */
export const switchSuite: Suite = {
  name: 'switch',
  about: 'what a frame costs in the switch alone, without I/O: time and heap',
  async run({ quick, progress, signal }) {
    const all: SubjectResults[] = []
    // One after the other: two at once would share a cache, and on a small machine a processor.
    for (const subject of SUBJECT_NAMES) {
      progress(`switch: ${subject}`)
      const args = [...NODE_FLAGS, PROGRAM, subject, String(quick ? QUICK_SECONDS : SECONDS)]
      const { stdout } = await runCommand(process.execPath, args, { timeoutMs: TIMEOUT_MS, signal })
      all.push(JSON.parse(stdout) as SubjectResults)
    }
    const report: SubjectResults = {
      cases: all.flatMap(({ cases }) => cases),
      fanOut: all.flatMap(({ fanOut }) => fanOut),
    }
    return { report, text: renderSwitch(report), failures: [] }
  },
}
