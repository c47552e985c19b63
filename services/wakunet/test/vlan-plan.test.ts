import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { WakunetError } from '@wakunet/interface'
import { runCli } from './cli-harness.ts'
import { answers, vlan } from './fake-answers.ts'

const NODE = 'AB'.repeat(16)
const node = NODE.toLowerCase()

const PLAN = [
  ['--pool', '10.42.1.0-10.42.1.255'],
  ['--reserve', '52:54:00:12:34:56=10.42.0.7'],
  ['--reserve', `52-54-00-AB-34-56=10.42.0.8`],
  ['--reserve', `${NODE}=10.42.0.9`],
  ['--router', '10.42.0.254'],
  ['--dns', '10.42.0.53,2001:db8::53'],
  ['--domain', 'office.example'],
  ['--ntp', '10.42.0.123'],
  ['--lease', '12h'],
  ['--priority', `${NODE}=4096`],
  ['--tags', '20,10,20'],
] as const

const FIELDS = {
  pool4: { first: '10.42.1.0', last: '10.42.1.255' },
  reservations: [
    { mac: '52:54:00:12:34:56', address4: '10.42.0.7' },
    { mac: '52:54:00:ab:34:56', address4: '10.42.0.8' },
    { nodeId: node, address4: '10.42.0.9' },
  ],
  router4: '10.42.0.254',
  dns: ['10.42.0.53', '2001:db8::53'],
  domain: 'office.example',
  ntp: ['10.42.0.123'],
  leaseSeconds: 43_200,
  priorities: [{ nodeId: node, priority: 4096 }],
  tags: { mode: 'filter', vids: [10, 20] },
} as const

describe('"vlan create"', () => {
  test('hands the plan over as the record has it', async () => {
    const run = await runCli(['vlan', 'create', 'lab', '--subnet', '10.42.0.1/20', ...PLAN.flat()], {
      answers,
    })
    assert.equal(run.code, 0, run.stderr)
    assert.deepEqual(run.requests[0]?.payload, { name: 'lab', subnet4: '10.42.0.1/20', ...FIELDS })
  })
})

describe('"vlan edit"', () => {
  test('hands over what is given, and nothing else, for the VLAN that the name means', async () => {
    const run = await runCli(['vlan', 'edit', 'office', '--description', 'x', ...PLAN.flat()], { answers })
    assert.deepEqual(run.requests, [
      { subject: 'directory.resolve', payload: { vlan: 'office', timeoutMs: 0 } },
      { subject: 'directory.edit', payload: { vlan: vlan.id, description: 'x', ...FIELDS } },
    ])
    assert.match(run.stderr, /take it over now/)
  })

  test('gives up single reservations and priorities, and takes settings back to their defaults', async () => {
    const run = await runCli(
      [
        ...['vlan', 'edit', 'office', '--reserve', '52:54:00:12:34:56=none', '--priority', `${NODE}=none`],
        ...['--unset', 'pool', '--unset', 'lease', '--unset', 'pool'],
      ],
      { answers },
    )
    assert.equal(run.code, 0, run.stderr)
    assert.deepEqual(run.requests[1]?.payload, {
      vlan: vlan.id,
      reservations: [{ mac: '52:54:00:12:34:56', address4: null }],
      priorities: [{ nodeId: node, priority: null }],
      unset: ['pool4', 'leaseSeconds'],
    })
  })

  test('says where nothing changed', async () => {
    const same = { ...answers, 'directory.edit': () => vlan }
    const run = await runCli(['vlan', 'edit', 'office', '--lease', '1h'], { answers: same })
    assert.match(run.stderr, /Nothing changed/)
  })

  test('refuses addresses outside the subnet before anything is edited, and names the option', async () => {
    for (const [option, value, says] of [
      ['--pool', '10.42.0.1-10.42.0.9', /--pool: 10\.42\.0\.1 is the address of the switches' own/],
      [
        '--pool',
        '10.42.0.2-10.42.16.9',
        /--pool: 10\.42\.16\.9 is outside.*10\.42\.15\.254.*10\.42\.0\.0\/20/,
      ],
      ['--reserve', `${NODE}=10.9.9.9`, /--reserve: 10\.9\.9\.9 is outside/],
      ['--router', '10.42.15.255', /--router: 10\.42\.15\.255 is the broadcast/],
    ] as const) {
      const run = await runCli(['vlan', 'edit', 'office', option, value], { answers })
      assert.equal(run.code, 2)
      assert.match(run.stderr, says)
      assert.deepEqual(
        run.requests.map(({ subject }) => subject),
        ['directory.resolve'],
      )
    }
  })

  test('says whose VLAN it is where the key is elsewhere', async () => {
    const foreign = {
      ...answers,
      'directory.edit': () => {
        throw new WakunetError('ERR_VLAN_NOT_OWNED', 'this node does not hold the key')
      },
    }
    const run = await runCli(['vlan', 'edit', 'office', '--lease', '1h'], { answers: foreign })
    assert.equal(run.code, 2)
    assert.match(run.stderr, /argument 'vlan': this node does not hold the key/)
  })
})

describe('"vlan show"', () => {
  test('prints the plan, and nothing of it where there is none', async () => {
    const planned = { ...answers, 'directory.resolve': () => ({ ...vlan, ...FIELDS }) }
    const { stdout } = await runCli(['vlan', 'show', 'office'], { answers: planned })
    for (const line of [
      /^IPv4 pool +10\.42\.1\.0 to 10\.42\.1\.255$/m,
      /^reserved +10\.42\.0\.7 for 52:54:00:12:34:56$/m,
      new RegExp(`^reserved +10\\.42\\.0\\.9 for ${node}$`, 'm'),
      /^router +10\.42\.0\.254$/m,
      /^DNS +10\.42\.0\.53, 2001:db8::53$/m,
      /^domain +office\.example$/m,
      /^NTP +10\.42\.0\.123$/m,
      /^lease +12 h 0 min$/m,
      new RegExp(`^priority +4096 for ${node}$`, 'm'),
      /^tags +10, 20 carried$/m,
    ]) {
      assert.match(stdout, line)
    }
    const bare = await runCli(['vlan', 'show', 'office'], { answers })
    assert.doesNotMatch(bare.stdout, /pool|reserved|router|DNS|lease|tags/)
  })
})

describe('a plan that cannot be', () => {
  for (const [argv, says] of [
    [['--pool', '10.42.0.9'], /'--pool <first-last>'.*two IPv4 addresses/],
    [['--pool', '10.42.0.9-x'], /two IPv4 addresses/],
    [['--reserve', '10.42.0.7'], /'--reserve <client=address>'.*MAC address or a node id/],
    [['--reserve', 'desk=10.42.0.7'], /MAC address like.*node id of a member.*wakunet status/],
    [['--reserve', '01:00:5e:00:00:01=10.42.0.7'], /The MAC address .* not of a group/],
    [['--reserve', `${NODE}=here`], /IPv4 address like/],
    [['--router', 'fd00::1'], /'--router <address>'.*IPv4 address/],
    [
      ['--dns', '1.1.1.1,127.0.0.1'],
      /'--dns <addresses>'.*"127\.0\.0\.1" must be an address that other hosts/,
    ],
    [['--dns', '1.1.1.1,1.1.1.1'], /twice/],
    [['--ntp', '1.1.1.1,1.1.1.2,1.1.1.3,1.1.1.4,1.1.1.5'], /'--ntp <addresses>'.*at most 4/],
    [['--ntp', 'pool.ntp.example'], /must be an IP address/],
    [['--domain', 'Office'], /'--domain <name>'.*lower case/],
    [['--lease', '1m'], /'--lease <time>'.*2m to 7d/],
    [['--lease', 'soon'], /2m to 7d/],
    [['--priority', `${NODE}=5`], /'--priority <node=priority>'.*multiple of 4096 from 0 to 61440/],
    [['--priority', 'desk=4096'], /node id/],
    [['--tags', 'all'], /'--tags <policy>'.*"none".*"carry".*10,20/],
    [['--tags', '0,4095'], /from 1 to 4094/],
  ] as const) {
    test(`"${argv.join(' ')}" is refused before any node is asked`, async () => {
      for (const command of [
        ['create', 'lab', '--subnet', '10.42.0.0/20'],
        ['edit', 'office'],
      ]) {
        const run = await runCli(['vlan', ...command, ...argv])
        assert.equal(run.code, 2, run.stderr)
        assert.match(run.stderr, says)
        assert.deepEqual(run.requests, [])
      }
    })
  }

  for (const [argv, says] of [
    [['create', 'lab', '--pool', '10.42.0.2-10.42.0.9'], /--pool needs --subnet/],
    [['create', 'lab', '--reserve', `${NODE}=10.42.0.9`], /--reserve needs --subnet/],
    [['create', 'lab', '--reserve', `${NODE}=none`], /IPv4 address like 10\.42\.0\.7\./],
    [['create', 'lab', '--subnet', '10.42.0.0/24', '--router', '10.42.1.7'], /--router: .* outside/],
    [['edit', 'office'], /nothing to change/],
    [['edit', 'office', '--unset', 'mtu'], /'mtu' is invalid.*pool, reserve/],
  ] as const) {
    test(`"vlan ${argv.join(' ').slice(0, 60)}" is refused before anything is changed`, async () => {
      const run = await runCli(['vlan', ...argv])
      assert.equal(run.code, 2, run.stderr)
      assert.match(run.stderr, says)
      assert.deepEqual(run.requests, [])
    })
  }
})
