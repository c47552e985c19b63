/**
 * The child of `--suite switch`: arguments are the name of what is measured and the seconds for each case; prints the results as
 * JSON. Each subject has a process of its own, as in a node, so that none is compiled for the sake of another.
 */
import { BASE_CASE, PATHS, pathsOf, type SwitchCase, switchCases } from './cases.ts'
import { FAN_OUT_MEMBERS, measureFanOut } from './fan-out.ts'
import { measureCase } from './measure-case.ts'
import type { SubjectName } from './subject.ts'
import { SUBJECTS } from './subjects.ts'
import type { SubjectResults, SwitchResult } from './switch-result.ts'
import { teachAddresses } from './workload.ts'
import { createWorld } from './world.ts'

const [name = 'fabric', seconds = '0.1'] = process.argv.slice(2)
const subject = name as SubjectName
const FAN_OUT_SECONDS = 0.5
const WARM_UP_SECONDS = 0.05
// Not counted: nothing is compiled yet when it begins.
measureCaseOf(BASE_CASE, WARM_UP_SECONDS)
const results: SubjectResults = {
  cases: switchCases().flatMap((each) => measureCaseOf(each, Number(seconds))),
  fanOut:
    subject === 'fabric' ? FAN_OUT_MEMBERS.map((members) => measureFanOut(members, FAN_OUT_SECONDS)) : [],
}
console.log(JSON.stringify(results))

function measureCaseOf(each: SwitchCase, caseSeconds: number): SwitchResult[] {
  const world = createWorld(each.members, each.fdbEntries)
  const machine = SUBJECTS[subject](world)
  teachAddresses(machine, world)
  return pathsOf(subject).map((path) => {
    const { create, counts } = PATHS[path]
    const workload = create(machine, { world, ...each })
    return { subject, path, ...each, ...measureCase(workload, caseSeconds, () => machine.counts[counts]) }
  })
}
