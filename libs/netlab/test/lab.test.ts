import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { CommandError, Lab, type LabEdge, lineGraph } from '../src/index.ts'
import { listNamespaces } from '../src/namespaces.ts'

describe('a lab of three hosts on a switch', () => {
  let lab: Lab
  before(async () => {
    lab = await Lab.create({ name: 'test', hosts: 3 })
  })
  after(() => lab.stop())

  test('every pair answers at once, IPv4 and IPv6', async () => {
    for (const from of lab.hosts) {
      for (const to of lab.hosts) {
        if (from === to) continue
        await from.exec('ping', ['-c', '1', '-W', '1', to.address4])
        await from.exec('ping', ['-c', '1', '-W', '1', to.address6])
      }
    }
  })

  test('hosts see neither each other nor the machine except over the cable', async () => {
    const { stdout } = await lab.host(1).exec('ip', ['-json', 'link'])
    const names = (JSON.parse(stdout) as { ifname: string }[]).map(({ ifname }) => ifname)
    assert.deepEqual(names.sort(), ['eth0', 'lo'])
  })

  test('a multicast packet to a group without a listener still reaches the other hosts', async () => {
    const capture = await lab.capture(lab.host(3), 'eth0', 'dst host 224.0.0.251')
    await lab.host(1).exec('ping', ['-c', '1', '-W', '0.1', '224.0.0.251'], { allowFailure: true })
    const { packets, lines } = await capture.stop()
    assert.equal(packets, 1)
    assert.match(lines[0] ?? '', /198\.18\.0\.1 > 224\.0\.0\.251/)
    assert.equal((await capture.stop()).packets, 1, 'stop is idempotent')
  })

  test('a pulled cable stops traffic, keeps addresses, and works again once plugged in', async () => {
    const [first, second] = [lab.host(1), lab.host(2)]
    const before = await first.addresses()
    await first.setLink('down')
    const lost = await first.exec('ping', ['-c', '1', '-W', '0.2', second.address4], { allowFailure: true })
    assert.notEqual(lost.code, 0)
    assert.deepEqual(await first.addresses(), before)
    await first.setLink('up')
    await first.exec('ping', ['-c', '1', '-W', '3', second.address4])
    assert.match((await first.exec('ip', ['route'])).stdout, /224\.0\.0\.0\/4 dev eth0/)
  })

  test('addresses are added and removed', async () => {
    const host = lab.host(1)
    await host.addAddress('10.9.8.7/24')
    await host.addAddress('fd01::7/64')
    assert.ok((await host.addresses()).includes('10.9.8.7/24'))
    assert.ok((await host.addresses()).includes('fd01::7/64'))
    await host.removeAddress('10.9.8.7/24')
    assert.ok(!(await host.addresses()).includes('10.9.8.7/24'))
    assert.deepEqual(await host.addresses('nothing0'), [])
  })

  test('exec gives input, output and exit code, and passes arguments as they are', async () => {
    const host = lab.host(2)
    assert.equal((await host.exec('cat', [], { input: 'a\0b' })).stdout, 'a\0b')
    assert.equal((await host.exec('printf', ['%s', '$HOME; "x" *'])).stdout, '$HOME; "x" *')
    assert.equal((await host.exec('sh', ['-c', 'exit 5'], { allowFailure: true })).code, 5)
    assert.equal((await host.exec('sh', ['-c', 'kill -9 $$'], { allowFailure: true })).code, 137)
  })

  test('exec reports failure, time-out, too much output and a missing program each in its own words', async () => {
    const host = lab.host(2)
    await assert.rejects(host.exec('sh', ['-c', 'echo why >&2; exit 5']), (error: unknown) => {
      assert.ok(error instanceof CommandError)
      assert.equal(error.code, 'ERR_COMMAND_FAILED')
      assert.equal(error.result.code, 5)
      assert.match(error.message, /code 5: why/)
      return true
    })
    await assert.rejects(host.exec('sleep', ['10'], { timeoutMs: 50 }), /did not end within 50 ms/)
    await assert.rejects(host.exec('yes', [], { maxOutputBytes: 1_000 }), /more than is taken/)
    await assert.rejects(host.exec('no-such-program'), { code: 'ERR_MISSING_PROGRAM' })
    const signal = AbortSignal.abort(new Error('enough'))
    await assert.rejects(host.exec('sleep', ['10'], { signal }), /enough/)
  })

  test('a spawned program is followed by its output and stopped', async () => {
    const program = lab.host(1).spawn('sh', ['-c', 'echo ready; cat'])
    await program.waitForOutput(/ready/)
    assert.ok(lab.host(1).processes.has(program))
    assert.deepEqual(await program.stop(), { code: null, signal: 'SIGTERM' })
    assert.equal(lab.host(1).processes.size, 0)
    await assert.rejects(program.waitForOutput(/never/), /ended before it wrote/)
  })

  test('a program that ignores SIGTERM is killed', async () => {
    const program = lab.host(1).spawn('sh', ['-c', 'trap "" TERM; echo ready; while :; do sleep 1; done'])
    await program.waitForOutput(/ready/)
    assert.deepEqual(await program.stop({ timeoutMs: 50 }), { code: null, signal: 'SIGKILL' })
  })

  test('waiting for output ends with the time', async () => {
    const program = lab.host(1).spawn('cat')
    await assert.rejects(program.waitForOutput(/never/, { timeoutMs: 50 }), /did not write/)
    await program.stop()
  })

  test('only the last output of a talkative program is kept', async () => {
    const program = lab.host(1).spawn('sh', ['-c', 'head -c 2000000 /dev/zero | tr "\\0" x; echo end'])
    await program.exited
    const { stdout } = program.output()
    assert.equal(stdout.length, 256 * 1024)
    assert.ok(stdout.endsWith('xend\n'))
  })
})

test('a direct cable joins two hosts without a switch', async () => {
  await using lab = await Lab.create({ name: 'direct', hosts: 2, topology: 'direct', mtu: 9000 })
  assert.deepEqual(
    listNamespaces().filter((name) => name.startsWith(lab.id)),
    [`${lab.id}-h1`, `${lab.id}-h2`],
  )
  await lab.host(1).exec('ping', ['-c', '1', '-W', '1', '-M', 'do', '-s', '8000', lab.host(2).address4])
  await lab.host(1).setLink('down')
  await lab.host(1).setLink('up')
  await lab.host(2).exec('ping', ['-c', '1', '-W', '3', lab.host(1).address6])
})

describe('a lab with edges h1-h2-h3', () => {
  let lab: Lab
  before(async () => {
    lab = await Lab.create({ name: 'edges', hosts: 3, edges: lineGraph(3) })
  })
  after(() => lab.stop())

  const answers = async (from: number, address: string) => {
    const options = { allowFailure: true }
    const { code } = await lab.host(from).exec('ping', ['-c', '1', '-W', '0.3', address], options)
    return code === 0
  }
  const carrier = async (edge: LabEdge) => {
    const [{ host, interface: name }] = edge.ends
    const { stdout } = await host.exec('cat', [`/sys/class/net/${name}/carrier`])
    return stdout.trim()
  }

  test('joins neighbours and nobody else', async () => {
    const far = lab.edge(2, 3).endAt(lab.host(3))!.address4
    for (const { ends } of lab.edges) {
      assert.equal(await answers(lab.hosts.indexOf(ends[0].host) + 1, ends[1].address4), true)
      assert.equal(await answers(lab.hosts.indexOf(ends[1].host) + 1, ends[0].address4), true)
    }
    assert.equal(await answers(1, far), false)
    assert.equal(await answers(1, lab.host(2).address4), false, 'an own address is not reachable')
  })

  test('loses everything on a cable that is cut, unseen by the kernel, and that one alone', async () => {
    const cut = lab.edge(1, 2)
    assert.equal(cut.name, 'h1-h2')
    await cut.cut()
    assert.equal(await answers(1, cut.ends[1].address4), false)
    assert.equal(await answers(2, cut.ends[0].address4), false)
    assert.equal(await carrier(cut), '1')
    assert.equal(await answers(2, lab.edge(3, 2).endAt(lab.host(3))!.address4), true)
    await cut.heal()
    assert.equal(await answers(1, cut.ends[1].address4), true)
  })

  test('takes the carrier from both ends of a cable that is pulled', async () => {
    const pulled = lab.edge(2, 1)
    await pulled.setLink('down')
    assert.equal(await carrier(pulled), '0')
    assert.equal(await answers(1, pulled.ends[1].address4), false)
    await pulled.setLink('up')
    await lab.host(1).exec('ping', ['-c', '1', '-W', '3', pulled.ends[1].address4])
  })

  test('names what it does not have', async () => {
    assert.throws(() => lab.edge(1, 3), { code: 'ERR_USAGE' })
    await assert.rejects(lab.host(1).setLink('down'), { code: 'ERR_USAGE' })
  })
})

test('two labs with the same subnet do not hear each other', async () => {
  await using first = await Lab.create({ name: 'same', hosts: 1 })
  await using second = await Lab.create({ name: 'same', hosts: 2 })
  const lost = await first.host(1).exec('ping', ['-c', '1', '-W', '0.2', second.host(2).address4], {
    allowFailure: true,
  })
  assert.notEqual(lost.code, 0)
})

test('a lab that cannot be built leaves nothing behind', async () => {
  const before = listNamespaces().filter((name) => name.startsWith(`wk${process.pid}-`))
  await assert.rejects(Lab.create({ hosts: 2, signal: AbortSignal.abort(new Error('enough')) }), /enough/)
  assert.deepEqual(
    listNamespaces().filter((name) => name.startsWith(`wk${process.pid}-`)),
    before,
  )
})

test('wrong arguments are refused before anything is made', async () => {
  for (const init of [
    { hosts: 0 },
    { hosts: 201 },
    { hosts: 1.5 },
    { hosts: 3, topology: 'direct' },
    { hosts: 1, name: 'Not/a name' },
    { hosts: 1, mtu: 1279 },
    { hosts: 2, edges: [] },
    { hosts: 2, edges: [[1, 3]] },
    { hosts: 2, edges: [[0, 1]] },
    { hosts: 2, edges: [[1, 1]] },
    { hosts: 2, edges: [[1, 2]], topology: 'direct' },
    {
      hosts: 2,
      edges: [
        [1, 2],
        [2, 1],
      ],
    },
  ] as const) {
    await assert.rejects(Lab.create(init), { code: 'ERR_USAGE' }, JSON.stringify(init))
  }
  await assert.rejects(Lab.create({ hosts: 1, subnet4: '10.0.0.0' }), { code: 'ERR_ADDRESS_INVALID' })
  await assert.rejects(Lab.create({ hosts: 9, subnet4: '10.0.0.0/29' }), { code: 'ERR_ADDRESS_INVALID' })
})
