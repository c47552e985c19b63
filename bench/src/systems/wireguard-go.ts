import { generateKeyPairSync, type KeyObject } from 'node:crypto'
import { connect } from 'node:net'
import { text } from 'node:stream/consumers'
import { WakunetError } from '@wakunet/interface'
import { type Lab, type LabHost, type LabProcess, runCommand } from '@wakunet/netlab'
import { assignAddress, untilInterface } from '../overlay-interface.ts'
import { OVERLAY_MTU, type Overlay, overlayAddress, type System } from '../system.ts'
import { findUnpacked } from '../unpacked.ts'

/** Debian 12 and 13 have versions from before segmentation offload, four times slower. */
const SUITE = 'sid'
const INTERFACE = 'wg0'
const PORT = 51_820
/** Last bytes of a PKCS #8 or SPKI structure of an X25519 key: the raw key (RFC 8410). */
const RAW_KEY_BYTES = 32

/** Its control socket has a fixed place: a private /run keeps it from the machine's and from the other host's. */
const PRIVATE_RUN = 'mount -t tmpfs bench /run && exec "$@"'

/** WireGuard in user space with segmentation offload; layer 3. */
export const wireguardGo: System = {
  name: 'wireguard-go',
  ours: false,
  layer: 3,
  crypto: 'ChaCha20-Poly1305',
  installation: { aptPackages: [], unpacked: { suite: SUITE, packages: ['wireguard-go'] } },
  isPair: true,
  missing: () =>
    findUnpacked(SUITE, 'wireguard-go') === null ? 'wireguard-go of 2025 is not unpacked' : null,
  async version() {
    const { stdout } = await runCommand(program(), ['--version'])
    return stdout.split('\n', 1)[0] ?? ''
  },
  async up(lab: Lab, signal: AbortSignal): Promise<Overlay> {
    const [first, second] = [lab.host(1), lab.host(2)]
    const keys = [generateKeyPairSync('x25519'), generateKeyPairSync('x25519')] as const
    const programs = [start(first), start(second)] as const
    await join(first, programs[0], keys[0].privateKey, second, keys[1].publicKey, 0, signal)
    await join(second, programs[1], keys[1].privateKey, first, keys[0].publicKey, 1, signal)
    return {
      addresses: [overlayAddress(0), overlayAddress(1)],
      processes: [[programs[0]], [programs[1]]],
      interfaceName: INTERFACE,
      mtu: OVERLAY_MTU,
    }
  },
}

function program(): string {
  const file = findUnpacked(SUITE, 'wireguard-go')
  if (file === null) throw new Error('wireguard-go is not unpacked')
  return file
}

function start(host: LabHost): LabProcess {
  return host.spawn('sh', ['-c', PRIVATE_RUN, 'wireguard-go', program(), '-f', INTERFACE], {
    env: { LOG_LEVEL: 'verbose' },
  })
}

async function join(
  host: LabHost,
  daemon: LabProcess,
  privateKey: KeyObject,
  peer: LabHost,
  peerKey: KeyObject,
  index: 0 | 1,
  signal: AbortSignal,
): Promise<void> {
  await daemon.waitForOutput(/UAPI listener started/, { signal })
  await configure(daemon.pid, [
    `private_key=${rawKey(privateKey)}`,
    `listen_port=${PORT}`,
    `public_key=${rawKey(peerKey)}`,
    `endpoint=${peer.address4}:${PORT}`,
    `allowed_ip=${overlayAddress(index === 0 ? 1 : 0)}/32`,
  ])
  await untilInterface(host, INTERFACE, daemon, signal)
  await assignAddress(host, INTERFACE, index)
}

/** Speaks the configuration protocol of https://www.wireguard.com/xplatform/ through the daemon's own /run. */
async function configure(pid: number, lines: readonly string[]): Promise<void> {
  const socket = connect(`/proc/${pid}/root/run/wireguard/${INTERFACE}.sock`)
  socket.end(`set=1\n${lines.join('\n')}\n\n`)
  const answer = await text(socket)
  if (!answer.startsWith('errno=0\n')) {
    throw new WakunetError('ERR_NOT_STARTED', `wireguard-go refused its configuration: ${answer.trim()}`)
  }
}

function rawKey(key: KeyObject): string {
  const der = key.export({ format: 'der', type: key.type === 'private' ? 'pkcs8' : 'spki' })
  return der.subarray(-RAW_KEY_BYTES).toString('hex')
}
