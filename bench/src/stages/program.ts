/** The child of `--stages`: arguments are seconds per stage and a directory; prints the results as JSON. */
import { codecStages } from './codec-stages.ts'
import { datagramStages } from './datagram-stages.ts'
import { laneStages } from './lane-stages.ts'
import type { StageResult } from './stage.ts'
import { tapStages } from './tap-stages.ts'
import { trunkStages } from './trunk-stages.ts'

const [seconds = '1', directory = '.'] = process.argv.slice(2)
const results: StageResult[] = []
const stages = [
  ...tapStages(),
  ...codecStages(),
  ...laneStages(directory),
  ...trunkStages(),
  ...datagramStages(),
]
for (const stage of stages) {
  results.push(await stage.run(Number(seconds)))
}
console.log(JSON.stringify(results))
