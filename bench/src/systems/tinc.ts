import { generateKeyPairSync } from 'node:crypto'
import { mkdirSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { findProgram, type Lab, type LabHost, type LabProcess, runCommand } from '@wakunet/netlab'
import { assignAddress, untilInterface } from '../overlay-interface.ts'
import { OVERLAY_MTU, type Overlay, overlayAddress, type System } from '../system.ts'

const INTERFACE = 'tinc0'
const RSA_BITS = 2048

/** tinc 1.0 as a switch, with its default cipher. */
export const tinc: System = {
  name: 'tinc',
  ours: false,
  layer: 2,
  crypto: 'AES-256-CBC, HMAC-SHA256',
  installation: { aptPackages: ['tinc'] },
  isPair: false,
  missing: () => (findProgram('tincd') === null ? 'tincd is not installed' : null),
  async version() {
    const { stdout } = await runCommand('tincd', ['--version'])
    return stdout.split('\n', 1)[0] ?? ''
  },
  async up(lab: Lab, signal: AbortSignal): Promise<Overlay> {
    const { hosts } = lab
    const keys = hosts.map(newKey)
    const startHost = async (host: LabHost) => {
      writeConfiguration(host, hosts, keys)
      const program = start(host)
      await untilInterface(host, INTERFACE, program, signal)
      await assignAddress(host, INTERFACE, hosts.indexOf(host))
      return program
    }
    // The first before the others: who finds nobody there waits for long.
    const [first, ...others] = hosts
    const programs = [await startHost(first!), ...(await Promise.all(others.map(startHost)))]
    return {
      addresses: hosts.map((_, index) => overlayAddress(index)),
      processes: programs.map((program) => [program]),
      interfaceName: INTERFACE,
      mtu: OVERLAY_MTU,
    }
  },
}

function start(host: LabHost): LabProcess {
  const files = ['--config', host.directory, '--pidfile', path.join(host.directory, 'tinc.pid')]
  return host.spawn('tincd', ['--no-detach', ...files])
}

interface RsaKey {
  readonly publicKey: string
  readonly privateKey: string
}

function newKey(): RsaKey {
  return generateKeyPairSync('rsa', {
    modulusLength: RSA_BITS,
    publicKeyEncoding: { type: 'pkcs1', format: 'pem' },
    privateKeyEncoding: { type: 'pkcs1', format: 'pem' },
  })
}

function writeConfiguration(host: LabHost, all: readonly LabHost[], keys: readonly RsaKey[]): void {
  const file = (name: string) => path.join(host.directory, name)
  mkdirSync(file('hosts'), { recursive: true })
  const lines = [`Name = ${host.name}`, 'Mode = switch', 'DeviceType = tap', `Interface = ${INTERFACE}`]
  const first = all[0]!
  if (host !== first) lines.push(`ConnectTo = ${first.name}`)
  writeFileSync(file('tinc.conf'), `${lines.join('\n')}\n`)
  for (const [index, { name, address4 }] of all.entries()) {
    writeFileSync(file(`hosts/${name}`), `Address = ${address4}\n${keys[index]!.publicKey}`)
  }
  writeFileSync(file('rsa_key.priv'), keys[all.indexOf(host)]!.privateKey, { mode: 0o600 })
}
