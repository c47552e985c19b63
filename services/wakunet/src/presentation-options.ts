import { MAX_PEER_HINTS, type PeerHint, peerAddressFault, peerIdFault } from '@wakunet/identity'
import { type Command, InvalidArgumentError, Option } from 'commander'
import { readIcon } from './icon-file.ts'

/** What the command line says of how a VLAN presents itself. */
export interface PresentationOptions {
  readonly icon?: string
  readonly gateway?: readonly PeerHint[]
}

export const addPresentationOptions = (command: Command): Command =>
  command
    .option('--icon <file>', 'its icon: a PNG, WebP or plain SVG file of at most 16 KiB')
    .addOption(
      new Option(
        '--gateway <multiaddr>',
        'a node that offers a way out, like /ip4/192.0.2.7/tcp/4740/p2p/12D3KooW...; may be repeated',
      ).argParser(gatewayArgument),
    )

/** As the bus takes it. @throws WakunetError `ERR_USAGE` */
export const presentationOf = async ({
  icon,
  gateway,
}: PresentationOptions): Promise<{ icon?: string; gateways?: readonly PeerHint[] }> => ({
  ...(icon === undefined ? {} : { icon: await readIcon(icon) }),
  ...(gateway === undefined ? {} : { gateways: gateway }),
})

/** Adds to what earlier ones of the command line gave; addresses of one peer stand together. */
export const gatewayArgument = (text: string, earlier: readonly PeerHint[] = []): readonly PeerHint[] => {
  const at = text.lastIndexOf('/p2p/')
  const [address, peerId] = [text.slice(0, Math.max(0, at)), text.slice(at + '/p2p/'.length)]
  if (at < 0 || peerIdFault(peerId) !== null || (address !== '' && peerAddressFault(address) !== null)) {
    throw new InvalidArgumentError(
      'It must be a multiaddr with the peer id at its end, like /ip4/192.0.2.7/tcp/4740/p2p/12D3KooW...',
    )
  }
  const known = earlier.find((hint) => hint.peerId === peerId)
  const added = { peerId, addresses: [...(known?.addresses ?? []), ...(address === '' ? [] : [address])] }
  const hints =
    known === undefined ? [...earlier, added] : earlier.map((hint) => (hint === known ? added : hint))
  if (hints.length > MAX_PEER_HINTS)
    throw new InvalidArgumentError(`It must be at most ${MAX_PEER_HINTS} gateways.`)
  return hints
}
