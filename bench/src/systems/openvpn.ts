import { X509Certificate } from 'node:crypto'
import { readFileSync } from 'node:fs'
import path from 'node:path'
import { findProgram, type Lab, type LabHost, type LabProcess, runCommand } from '@wakunet/netlab'
import { assignAddress } from '../overlay-interface.ts'
import { OVERLAY_MTU, type Overlay, overlayAddress, type System } from '../system.ts'

const INTERFACE = 'ovpn0'
const CIPHER = 'AES-256-GCM'

/** OpenVPN, layer 2, over UDP, point to point; its data channel in user space. */
export const openvpn: System = {
  name: 'openvpn',
  ours: false,
  layer: 2,
  crypto: CIPHER,
  installation: { aptPackages: ['openvpn', 'openssl'] },
  isPair: true,
  missing() {
    const absent = ['openvpn', 'openssl'].filter((program) => findProgram(program) === null)
    return absent.length === 0 ? null : `${absent.join(' and ')} not installed`
  },
  async version() {
    const { stdout } = await runCommand('openvpn', ['--version'], { allowFailure: true })
    return stdout.split(' ', 2).join(' ')
  },
  async up(lab: Lab, signal: AbortSignal): Promise<Overlay> {
    const [first, second] = [lab.host(1), lab.host(2)]
    const prints = await Promise.all([newCertificate(first), newCertificate(second)])
    const server = start(first, second, ['--tls-server', '--dh', 'none', '--peer-fingerprint', prints[1]])
    const client = start(second, first, ['--tls-client', '--peer-fingerprint', prints[0]])
    await Promise.all(
      [server, client].map((program) =>
        program.waitForOutput(/Initialization Sequence Completed/, { timeoutMs: 30_000, signal }),
      ),
    )
    await Promise.all([assignAddress(first, INTERFACE, 0), assignAddress(second, INTERFACE, 1)])
    return {
      addresses: [overlayAddress(0), overlayAddress(1)],
      processes: [[server], [client]],
      interfaceName: INTERFACE,
      mtu: OVERLAY_MTU,
    }
  },
}

function start(host: LabHost, peer: LabHost, role: readonly string[]): LabProcess {
  return host.spawn('openvpn', [
    ...['--dev', INTERFACE, '--dev-type', 'tap', '--disable-dco', '--tun-mtu', String(OVERLAY_MTU)],
    ...['--proto', 'udp', '--local', host.address4, '--remote', peer.address4],
    ...['--cipher', CIPHER, '--data-ciphers', CIPHER],
    ...['--key', keyFile(host), '--cert', certificateFile(host)],
    ...role,
  ])
}

/** @returns the fingerprint that the peer checks */
async function newCertificate(host: LabHost): Promise<string> {
  await runCommand('openssl', [
    ...['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes'],
    ...['-subj', `/CN=${host.name}`, '-days', '2', '-keyout', keyFile(host), '-out', certificateFile(host)],
  ])
  return new X509Certificate(readFileSync(certificateFile(host))).fingerprint256
}

function keyFile(host: LabHost): string {
  return path.join(host.directory, 'openvpn.key')
}

function certificateFile(host: LabHost): string {
  return path.join(host.directory, 'openvpn.crt')
}
