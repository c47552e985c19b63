import assert from 'node:assert/strict'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, describe, it } from 'node:test'
import { type SimOptions, simulateVlans } from '@wakunet/sim'
import { runSimCommand, UsageError } from '../lib/sim-command.ts'

const folder = mkdtempSync(join(tmpdir(), 'wakunet-sim-'))
after(() => rmSync(folder, { recursive: true }))

function run(args: readonly string[], simulate?: (options: SimOptions) => ReturnType<typeof simulateVlans>) {
  const lines: string[] = []
  const say = (text: string) => void lines.push(text)
  const code = runSimCommand(args, { out: say, err: say, now: () => 0, ...(simulate && { simulate }) })
  return { code, text: lines.join('\n') }
}

const SMALL = ['--nodes', '12', '--seed', '7', '--scenario', 'churn', '--events', '2']

/** A switch that drops whatever comes. */
const sabotaged = (options: SimOptions) =>
  simulateVlans({
    ...options,
    onStarted: ({ network }) => {
      network.nodes[0]!.receive = () => {}
    },
  })

describe('npm run sim', () => {
  it('writes a report with the agreed keys, and ends well', () => {
    const file = join(folder, 'report.json')
    assert.equal(run([...SMALL, '--json', file]).code, 0)
    const report = JSON.parse(readFileSync(file, 'utf8'))
    const { nodes, seed, invariantViolations, duplicateDeliveries, unreached } = report
    assert.deepEqual(
      { nodes, seed, invariantViolations, duplicateDeliveries, unreached },
      {
        nodes: 12,
        seed: 7,
        invariantViolations: 0,
        duplicateDeliveries: 0,
        unreached: 0,
      },
    )
    assert.equal(typeof report.convergenceP99Ms, 'number')
    assert.ok(report.controlBitsPerSecondPerIdleNode > 0)
  })

  it('ends with 1 where an invariant is violated, says which, and how to run the same again', () => {
    const file = join(folder, 'failed.json')
    const { code, text } = run([...SMALL, '--json', file], sabotaged)
    assert.equal(code, 1)
    assert.match(text, /did not arrive/)
    const replay = /replay: npm run sim -- (.*)/.exec(text)?.[1]?.split(' ')
    assert.deepEqual(replay?.slice(0, SMALL.length), SMALL)
    assert.equal(run(replay!).code, 0)
    assert.ok(JSON.parse(readFileSync(file, 'utf8')).invariantViolations > 0)
  })

  it('gives members addresses, in VLANs as large as that goes, unless it is told otherwise', () => {
    const asked: SimOptions[] = []
    const simulate = (options: SimOptions) => {
      asked.push(options)
      return simulateVlans({ ...options, nodes: 2, events: 0, scenario: 'idle' })
    }
    run(['--nodes', '10000', '--seed', '1'], simulate)
    run(['--nodes', '3000', '--seed', '1', '--vlan-members', '3000', '--addressing', 'off'], simulate)
    assert.deepEqual(
      asked.map(({ vlanMembers, addressing }) => [vlanMembers, addressing]),
      [
        [1_024, undefined],
        [3_000, false],
      ],
    )
  })

  it('makes a list of reports and a plot of a sweep', () => {
    const [json, svg] = [join(folder, 'sweep.json'), join(folder, 'sweep.svg')]
    const sizes = ['--sizes', '4,8', '--seed', '1', '--scenario', 'idle']
    assert.equal(run([...sizes, '--json', json, '--svg', svg]).code, 0)
    assert.deepEqual(
      JSON.parse(readFileSync(json, 'utf8')).map(({ nodes }: { nodes: number }) => nodes),
      [4, 8],
    )
    assert.match(readFileSync(svg, 'utf8'), /^<svg /)
  })

  it('refuses what it cannot run, and names the values that it can', () => {
    assert.throws(() => run(['--scenario', 'storm']), UsageError)
    assert.throws(() => run(['--nodes', '1']), /2 to/)
    assert.throws(() => run(['--nodes', 'many']), UsageError)
  })
})
