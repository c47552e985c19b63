import {
  type AddressingPeer,
  type AddressPlan,
  type BindingChange,
  noSealing,
  parseCidr,
  type ReadAnnouncement,
  signedBytes,
  VlanAddressing,
} from '@wakunet/addressing'
import type { VlanDatapath } from '@wakunet/switching'
import { macBytes } from './sim-frames.ts'
import { isSignatureOf, type SimIdentity, signatureOf } from './sim-identity.ts'

/** A station that was heard with an address this lately has it. */
const IN_USE_MS = 2_000
const MTU = 1_400

export interface SimAddressingInit {
  readonly identity: SimIdentity
  readonly vlanId: Uint8Array
  readonly plan: AddressPlan
  readonly index: number
  readonly bootNonce: Uint8Array
  readonly attempt: number
  readonly firstSequence: number
  readonly hashSeed: number
  readonly random: () => number
  readonly nowMs: () => number
  /** Unix time in milliseconds. */
  readonly wallMs: () => number
  readonly datapath: VlanDatapath
  readonly read: ReadAnnouncement
}

export interface SimAddressingOutput {
  readonly toTap: (frame: Uint8Array) => void
  /** IPv4 address of the own interface. */
  readonly onAddress: (address: Uint8Array) => void
  readonly onReaddress: () => void
  /** Runs something in a moment. */
  readonly later: (run: () => void) => void
}

/** Wires the addresses of one node to its datapath, as vlan-switch does. */
export function createAddressing(
  init: SimAddressingInit,
  output: SimAddressingOutput,
): VlanAddressing<AddressingPeer> {
  const { identity, vlanId, datapath, plan, index, nowMs } = init
  const { publicKey, nodeId } = identity
  return new VlanAddressing<AddressingPeer>(
    {
      vlanId,
      nodeId,
      vlanName: 'sim',
      plan,
      mac: macBytes(identity.mac),
      mode: 'auto',
      manual4: null,
      attempt: init.attempt,
      hostname: `host${index}`,
      bridged: false,
      mtu: MTU,
      sealing: noSealing(init.bootNonce),
      hashSeed: init.hashSeed,
      firstSequence: init.firstSequence,
      random: init.random,
      wallMs: init.wallMs,
      verify: isSignatureOf,
      read: init.read,
    },
    {
      toTap: output.toTap,
      toTree: (frame) => datapath.sendToTree(frame),
      send: (to, message) => datapath.sendControl(to.id, message, nowMs()),
      sign: (payload, done) =>
        output.later(() =>
          done({ publicKey, signature: signatureOf(publicKey, signedBytes(vlanId, payload)) }),
        ),
      onAddresses: ([first]) => {
        if (first?.includes('.')) output.onAddress(parseCidr(first).bytes)
      },
      onBindings: (change) => bind(datapath, change, nowMs()),
      onReaddress: output.onReaddress,
      isInUse: (address, mac, atMs) => isInUse(datapath, address, mac, atMs),
    },
    nowMs(),
  )
}

function bind(datapath: VlanDatapath, { kind, address, mac, owner }: BindingChange, nowMs: number): void {
  if (kind === 'removed') datapath.unbind(address)
  else datapath.bind(address, mac, owner, nowMs)
}

function isInUse(datapath: VlanDatapath, address: Uint8Array, mac: number, nowMs: number): boolean {
  const binding = datapath.guards.bindings.find(address, 0, address.length, nowMs)
  if (binding === null || binding.mac === null || binding.mac === mac) return false
  return nowMs - binding.seenMs < IN_USE_MS
}
