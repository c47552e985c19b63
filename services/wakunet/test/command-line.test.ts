import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { WakunetError } from '@wakunet/interface'
import { runCli } from './cli-harness.ts'
import { answers, vlan } from './fake-answers.ts'

const ESCAPE = /\p{Cc}\[/u
const YELLOW = /\p{Cc}\[33m/u

const COMMANDS = [
  ['status'],
  ['peers'],
  ['trace', '10.42.0.8', '--no-probe'],
  ['vlan', 'create', 'office'],
  ['vlan', 'edit', 'office', '--lease', '12h'],
  ['vlan', 'join', 'office'],
  ['vlan', 'leave', 'office'],
  ['vlan', 'list'],
  ['vlan', 'show', 'office'],
  ['completion', 'bash'],
] as const

describe('results', () => {
  for (const command of COMMANDS) {
    test(`"${command.join(' ')} --json" prints exactly one JSON value on one line and nothing else`, async () => {
      const run = await runCli([...command, '--json'], { answers })
      assert.equal(run.code, 0, run.stderr)
      assert.equal(run.stderr, '')
      assert.equal(run.stdout.trimEnd().split('\n').length, 1)
      assert.equal(typeof JSON.parse(run.stdout), 'object')
    })

    test(`"${command.join(' ')}" prints lines for people, without colours where no terminal is`, async () => {
      const run = await runCli(command, { answers })
      assert.equal(run.code, 0, run.stderr)
      assert.notEqual(run.stdout.trim(), '')
      assert.doesNotMatch(run.stdout, ESCAPE)
    })
  }

  test('global options may stand before the command', async () => {
    const run = await runCli(['--json', '--socket', '/tmp/x.sock', 'status'], { answers })
    assert.equal(run.code, 0)
    assert.equal(run.targets[0]?.socket, '/tmp/x.sock')
    assert.equal(JSON.parse(run.stdout).node.peersKnown, 2)
  })

  test('colours appear on a terminal, and not where NO_COLOR is set or the terminal is dumb', async () => {
    assert.match((await runCli(['peers'], { answers, isTTY: true })).stdout, YELLOW)
    for (const env of [{ NO_COLOR: '1' }, { TERM: 'dumb' }]) {
      assert.doesNotMatch((await runCli(['peers'], { answers, isTTY: true, env })).stdout, ESCAPE)
    }
  })

  test('"vlan join" hands over what the options say, in the units of the contract', async () => {
    const run = await runCli(
      [
        'vlan',
        'join',
        'office',
        '--address',
        '10.42.0.9/20',
        '--interface',
        'lan0',
        '--mtu',
        '1300',
        '--timeout',
        '2.5',
      ],
      { answers },
    )
    assert.deepEqual(run.requests, [
      {
        subject: 'switch.join',
        payload: { vlan: 'office', address4: '10.42.0.9/20', interface: 'lan0', mtu: 1300, timeoutMs: 2500 },
      },
    ])
  })

  test('"vlan create" hands over what the options say and shows how to join', async () => {
    const run = await runCli(
      ['vlan', 'create', 'lab', '--description', 'x', '--subnet', '10.42.0.0/16', '--mtu', '1400'],
      { answers },
    )
    assert.deepEqual(run.requests[0]?.payload, {
      name: 'lab',
      description: 'x',
      subnet4: '10.42.0.0/16',
      mtu: 1400,
    })
    assert.match(run.stderr, /wakunet vlan join vexample/)
  })

  test('"vlan show" shows the record of a VLAN that is known and not joined', async () => {
    const notJoined = {
      ...answers,
      'switch.show': () => {
        throw new WakunetError('ERR_VLAN_NOT_JOINED', 'not joined')
      },
    }
    const run = await runCli(['vlan', 'show', 'office', '--json'], { answers: notJoined })
    assert.deepEqual(JSON.parse(run.stdout), { vlan, joined: null })
  })

  test('"peers" says why a peer has no trunk and when it is tried again', async () => {
    const { stdout } = await runCli(['peers'], { answers })
    assert.match(stdout, /12D3KooWOther cannot be reached at \S+: connection refused; next attempt in 4 s/)
  })

  test('text from other hosts cannot command the terminal', async () => {
    const hostile = {
      ...answers,
      'directory.list': () => ({
        vlans: [{ ...vlan, id: 'f'.repeat(32), name: 'a\x1b]0;x\x07b' }],
        next: null,
      }),
    }
    const { stdout } = await runCli(['vlan', 'list'], {
      answers: hostile as typeof answers,
      isTTY: true,
      env: { NO_COLOR: '1' },
    })
    assert.doesNotMatch(stdout.replaceAll('\n', ''), /\p{Cc}/u)
  })
})

describe('wrong input', () => {
  const id = 'v'.padEnd(30, 'a')
  const cases: readonly (readonly [argv: readonly string[], code: string, says: RegExp])[] = [
    [['stauts'], 'ERR_USAGE', /unknown command 'stauts'.*Did you mean status/s],
    [['status', '--jsno'], 'ERR_USAGE', /unknown option '--jsno'.*--json/s],
    [['status', 'extra'], 'ERR_USAGE', /too many arguments/],
    [['vlan', 'frobnicate'], 'ERR_USAGE', /unknown command 'frobnicate'/],
    [['vlan', 'join'], 'ERR_USAGE', /missing required argument 'vlan'/],
    [['vlan', 'join', id], 'ERR_VLAN_ID_INVALID', new RegExp(`argument 'vlan'.*${id}`)],
    [['vlan', 'show', id.slice(0, 28)], 'ERR_VLAN_ID_INVALID', /has 28 characters.*30/],
    [['vlan', 'leave', 'x', '--socket'], 'ERR_USAGE', /'--socket <path>' argument missing/],
    [
      ['vlan', 'join', 'office', '--interface', 'a/b'],
      'ERR_INTERFACE_NAME_INVALID',
      /'--interface <name>'.*"a\/b".*15/,
    ],
    [['vlan', 'join', 'office', '--interface', 'x'.repeat(16)], 'ERR_INTERFACE_NAME_INVALID', /15/],
    [['vlan', 'join', 'office', '--mtu', '100'], 'ERR_USAGE', /'--mtu <bytes>'.*'100'.*1280 to 9000/],
    [['vlan', 'join', 'office', '--address', 'banana'], 'ERR_ADDRESS_INVALID', /'--address <cidr>'.*banana/],
    [['vlan', 'join', 'office', '--address', 'fd00::1/64'], 'ERR_USAGE', /'--address <cidr>'.*IPv4/],
    [['vlan', 'join', 'office', '--timeout', 'soon'], 'ERR_USAGE', /'--timeout <seconds>'.*0 to 60/],
    [['vlan', 'create', ''], 'ERR_USAGE', /'name'.*empty/],
    [['vlan', 'create', 'x'.repeat(64)], 'ERR_USAGE', /'name'.*at most 63/],
    [['vlan', 'create', 'lab', '--subnet', '10.0.0.0/31'], 'ERR_USAGE', /'--subnet <cidr>'.*8 to 30/],
    [
      ['vlan', 'create', 'lab', '--subnet', '300.1.1.1/8'],
      'ERR_ADDRESS_INVALID',
      /'--subnet <cidr>'.*300\.1/,
    ],
    [['completion', 'tcsh'], 'ERR_USAGE', /'tcsh'.*bash, zsh, fish/],
    [['up', '--http', 'x:y'], 'ERR_USAGE', /'--http <address>'.*'x:y'.*127\.0\.0\.1:9474/],
    [['status', '--log-level', 'loud'], 'ERR_USAGE', /'--log-level <level>'.*'loud'.*debug/],
  ]

  for (const [argv, code, says] of cases) {
    test(`"${argv.join(' ').slice(0, 60)}" is refused before any node is asked, with exit code 2 and no stack`, async () => {
      const people = await runCli(argv)
      assert.equal(people.code, 2, people.stderr)
      assert.equal(people.stdout, '')
      assert.match(people.stderr, says)
      assert.doesNotMatch(people.stderr, /^\s+at /m)
      assert.deepEqual(people.requests, [])
      const programs = await runCli([...argv.filter((word) => word !== '--socket'), '--json'])
      assert.equal(
        JSON.parse(programs.stderr).error.code,
        argv.includes('--socket') ? 'ERR_BUS_NO_RESPONDER' : code,
      )
    })
  }

  test('a command group without a command shows its help on stderr and exits with 2', async () => {
    for (const argv of [[], ['vlan']]) {
      const run = await runCli(argv)
      assert.equal(run.code, 2)
      assert.equal(run.stdout, '')
      assert.match(run.stderr, /Commands:/)
    }
  })
})

describe('failures', () => {
  test("a node's own refusal is shown as it is, with its code in JSON", async () => {
    const refusing = {
      'switch.join': () => {
        throw new WakunetError('ERR_ADDRESS_OUTSIDE_SUBNET', '10.9.9.9/20 is outside 10.42.0.0/20')
      },
    }
    const run = await runCli(['vlan', 'join', 'office', '--address', '10.9.9.9/20', '--json'], {
      answers: refusing,
    })
    assert.equal(run.code, 2)
    assert.deepEqual(JSON.parse(run.stderr), {
      error: {
        code: 'ERR_ADDRESS_OUTSIDE_SUBNET',
        message: '--address: 10.9.9.9/20 is outside 10.42.0.0/20',
      },
    })
  })

  test('exit code 3 tells that nobody answers', async () => {
    assert.equal((await runCli(['status'])).code, 3)
  })

  test('a fault of our own is one line without a stack, and asks for a report', async () => {
    const run = await runCli(['status'], {
      openClient: async () => {
        throw new TypeError('x is undefined')
      },
    })
    assert.equal(run.code, 1)
    assert.match(run.stderr, /^error: x is undefined \(a fault in wakunet itself/)
    assert.equal(run.stderr.trimEnd().split('\n').length, 1)
  })

  test('a message of several lines stays one JSON line', async () => {
    const run = await runCli(['status', '--json'], {
      openClient: async () => {
        throw new WakunetError('ERR_CONFIG_INVALID', 'two faults:\n  a\n  b')
      },
    })
    assert.equal(run.stderr.trimEnd().split('\n').length, 1)
    assert.equal(JSON.parse(run.stderr).error.message, 'two faults:\n  a\n  b')
  })
})
