import assert from 'node:assert/strict'
import { once } from 'node:events'
import { chmodSync, mkdirSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import path from 'node:path'
import { describe, test } from 'node:test'
import { tempDir } from '@wakunet/testing'
import { checkClock } from '../src/doctor/clock.ts'
import { checkBuffers, checkIpv6, checkMtu, checkPort, listenAddresses } from '../src/doctor/network.ts'
import { checkNode } from '../src/doctor/node.ts'
import { checkOverlap } from '../src/doctor/overlap.ts'
import {
  checkNativeAddon,
  checkNodeVersion,
  checkPrivileges,
  checkProgram,
  checkTunDevice,
} from '../src/doctor/programs.ts'
import { checkState } from '../src/doctor/state.ts'
import { peer, port, status, vlan } from './fake-answers.ts'

describe('doctor', () => {
  test('a clock before 2026, or before the installation itself, is a failure that says how to set it', () => {
    const builtMs = Date.UTC(2026, 5, 1)
    const at = (wallMs: number, expectedMs = wallMs) => checkClock({ wallMs, expectedMs, builtMs })
    assert.equal(at(Date.UTC(2026, 6, 1)).state, 'ok')
    assert.match(at(Date.UTC(1970, 0, 1)).found, /before 2026/)
    assert.equal(at(Date.UTC(2026, 4, 1)).state, 'fail')
    assert.match(at(Date.UTC(2026, 4, 1)).advice ?? '', /timedatectl/)
    assert.match(at(Date.UTC(2026, 6, 1), Date.UTC(2026, 6, 1) - 5000).found, /jumped by 5000 ms/)
  })

  test('a port that another program has is a failure, that of a running node is not', async () => {
    const server = createServer().listen(0, '127.0.0.1')
    await once(server, 'listening')
    const address = server.address()
    assert.ok(address !== null && typeof address === 'object')
    const taken = { host: '127.0.0.1', port: address.port, key: 'trunk.listen' }
    const free = await checkPort(taken, false)
    assert.equal(free.state, 'fail')
    assert.match(free.advice ?? '', /trunk\.listen/)
    assert.equal((await checkPort(taken, true)).state, 'ok')
    server.close()
    await once(server, 'close')
    assert.equal((await checkPort(taken, false)).state, 'ok')
  })

  test('an address that this host has not is a warning', async () => {
    const result = await checkPort({ host: '198.51.100.77', port: 4740, key: 'trunk.listen' }, false)
    assert.equal(result.state, 'warn')
  })

  test('only TCP multiaddrs are ports to look at', () => {
    assert.deepEqual(listenAddresses(['/ip4/0.0.0.0/tcp/4740', '/ip6/::/tcp/4741/p2p/x', '/dns/a/tcp/1']), [
      { host: '0.0.0.0', port: 4740, key: 'trunk.listen' },
      { host: '::', port: 4741, key: 'trunk.listen' },
    ])
  })

  test('a small MTU of the default route is a warning, one below that of IPv6 a failure', () => {
    assert.deepEqual(
      [1500, 9000, 1420, 1000].map((mtu) => checkMtu({ device: 'eth0', mtu }).state),
      ['ok', 'ok', 'warn', 'fail'],
    )
    assert.equal(checkMtu(null).state, 'ok')
  })

  test('small socket buffers are a warning with the very commands that raise them', () => {
    const large = 4 * 1024 * 1024
    const limits = { udpReceive: large, udpSend: large, tcpReceive: large, tcpSend: null }
    assert.equal(checkBuffers(limits).state, 'ok')
    const low = checkBuffers({ ...limits, udpReceive: 212_992 })
    assert.equal(low.state, 'warn')
    assert.match(low.advice ?? '', /sysctl -w net\.core\.rmem_max="2097152"$/)
  })

  test('missing IPv6 is a warning', () => {
    assert.deepEqual(
      [checkIpv6('0'), checkIpv6('1'), checkIpv6(null)].map(({ state }) => state),
      ['ok', 'warn', 'warn'],
    )
  })

  test('what the kernel refuses is named with what to do', () => {
    assert.equal(checkTunDevice({ netAdmin: true, deviceFault: null }).state, 'ok')
    assert.match(checkTunDevice({ netAdmin: true, deviceFault: 'ENOENT' }).advice ?? '', /modprobe tun/)
    assert.equal(checkPrivileges({ netAdmin: true, deviceFault: null }).state, 'ok')
    assert.match(checkPrivileges({ netAdmin: false, deviceFault: null }).advice ?? '', /sudo/)
  })

  test('missing programs are named with their package', () => {
    assert.equal(checkProgram('ip', () => '/usr/sbin/ip').state, 'ok')
    assert.match(checkProgram('ip', () => null).advice ?? '', /apt-get install iproute2/)
  })

  test('an addon that does not load, and a Node that is too old, are failures', () => {
    assert.equal(checkNativeAddon(() => {}).state, 'ok')
    const broken = checkNativeAddon(() => {
      throw new Error('wrong ELF class')
    })
    assert.match(broken.found, /wrong ELF class/)
    assert.deepEqual(
      ['24.1.0', '20.20.0'].map((version) => checkNodeVersion(version).state),
      ['ok', 'fail'],
    )
  })

  test('state that others may read is a failure; damaged state that was set aside is told', async (t) => {
    const folder = path.join(await tempDir(t), 'state')
    const uid = process.getuid?.() ?? 0
    assert.match(checkState(folder, uid).found, /not there yet/)
    mkdirSync(folder, { mode: 0o700 })
    writeFileSync(path.join(folder, 'node-key.json'), '', { mode: 0o600 })
    assert.equal(checkState(folder, uid).state, 'ok')
    chmodSync(path.join(folder, 'node-key.json'), 0o644)
    assert.match(checkState(folder, uid).found, /node-key\.json/)
    chmodSync(path.join(folder, 'node-key.json'), 0o600)
    writeFileSync(path.join(folder, 'vlans.json.damaged-2026'), '', { mode: 0o600 })
    assert.equal(checkState(folder, uid).state, 'warn')
    assert.match(checkState(path.join(folder, 'node-key.json'), uid).found, /not a folder/)
  })

  test('a VLAN with addresses of a network that this host is on is a warning, but not its own interface', () => {
    const on = (network: string, name = 'eth0') => [{ interface: name, network }]
    const states = (networks: Parameters<typeof checkOverlap>[2], ports = [port]) =>
      checkOverlap([vlan], ports, networks).map(({ id, state }) => `${id} ${state}`)
    for (const network of ['10.42.7.0/24', '10.0.0.0/8', '10.42.0.9/32', 'fd00:1:2:3::/64'])
      assert.deepEqual(states(on(network)), ['subnet warn'], network)
    for (const network of ['10.42.16.0/24', '192.168.1.0/24', 'fd00:1:2:4::/64'])
      assert.deepEqual(states(on(network)), ['subnet ok'], network)
    assert.deepEqual(states(on('10.42.0.0/20', 'wk-office')), ['subnet ok'])
    assert.deepEqual(states(on('10.42.7.0/24'), [{ ...port, addressMode: 'none' }]), ['subnet ok'])
    const [known] = checkOverlap([vlan], [], on('10.42.7.0/24'))
    assert.match(
      known!.found,
      /office \(not joined\) has the subnet 10\.42\.0\.0\/20, .* 10\.42\.7\.0\/24 of eth0/,
    )
    assert.match(known!.advice ?? '', /refused.*--subnet CIDR/)
  })

  test('a node that nobody can dial and no relay stands in for is told what to do, and so is a trunk that has to go over a relay', () => {
    const reach = { ...status.reach, relays: [] }
    const relayed = {
      ...peer,
      state: 'connected',
      relay: '12D3KooWRelay',
      obstacle: 'Connection timeout after 4000ms',
    } as const
    const answer = { node: { ...status, reach }, vlans: [], peers: [relayed], ports: [] }
    const [, reachCheck, pathCheck] = checkNode(answer, 'x')
    assert.equal(reachCheck?.state, 'warn')
    assert.match(reachCheck?.advice ?? '', /trunk\.relay: on/)
    assert.match(
      pathCheck?.found ?? '',
      /over the relay 12D3KooWRelay; no direct connection: Connection timeout/,
    )
  })

  test('of a running node every peer without a trunk is explained, and every failed VLAN', () => {
    const good = {
      ...peer,
      peerId: '12D3KooWGood',
      state: 'connected',
      lastError: null,
      retryInMs: null,
    } as const
    const checks = checkNode(
      {
        node: status,
        vlans: [],
        peers: [peer, good],
        ports: [port, { ...port, state: 'failed', lastError: 'gone' }],
      },
      'x',
    )
    assert.deepEqual(
      checks.map(({ id, state }) => `${id} ${state}`),
      ['running ok', 'reach ok', 'peer warn', 'vlan fail'],
    )
    assert.match(checks[2]?.found ?? '', /connection refused; next attempt in 4 s/)
    assert.deepEqual(
      checkNode(null, 'x').map(({ state }) => state),
      ['ok'],
    )
  })
})
