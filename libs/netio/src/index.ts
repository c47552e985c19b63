/**
 * Batched I/O for the data plane, in a small native addon: TAP interfaces with virtio-net offloads, UDP with
 * GSO and GRO, authenticated encryption with contexts that are kept, alone and for the trunk's datagrams, and Unix
 * stream sockets. One call of the addon moves many frames, datagrams or messages; all protocol logic stays in TypeScript. A fake of the
 * TAP lives beside it.
 */
export {
  AEAD_ALGORITHMS,
  AEAD_NONCE_BYTES,
  AEAD_TAG_BYTES,
  type AeadAlgorithm,
  type AeadBatch,
  AeadContext,
} from './aead-context.ts'
export { type BridgeInfo, type BridgeStp, joinBridge, leaveBridge, readBridge } from './bridge-link.ts'
export {
  DATAGRAM_HEAD_BYTES,
  DATAGRAM_OVERHEAD_BYTES,
  type DatagramKeyInit,
  DatagramOpener,
  DatagramSealer,
  MAX_SLICE_HEAD_BYTES,
  type OpenOutcome,
  UNIT_HEADROOM_BYTES,
  UNIT_WORD,
  UNIT_WORDS,
} from './datagram-cipher.ts'
export { FakeTap, type FakeTapInit, type TapFrame } from './fake-tap.ts'
export { checkInterfaceName, MAX_INTERFACE_NAME_LENGTH } from './interface-name.ts'
export {
  configureLink,
  flapCarrier,
  type LinkSettings,
  readAddresses,
  renameLink,
  replaceAddresses,
} from './link.ts'
export {
  packSocketAddress,
  SOCKET_ADDRESS_BYTES,
  type SocketAddress,
  unpackSocketAddress,
} from './socket-address.ts'
export { DEFAULT_GSO_MAX_BYTES, openTap, type TapInit } from './tap.ts'
export { limitUnsentBytes, type TcpProgress, tcpProgress } from './tcp-socket.ts'
export {
  type DatagramBatch,
  type DatagramSends,
  MAX_UDP_SEGMENTS,
  MAX_UDP_SEND_BYTES,
  UdpBatchSocket,
  type UdpBatchSocketInit,
  type UdpStats,
} from './udp-batch-socket.ts'
export { UnixStream } from './unix-stream.ts'
export {
  MAX_UNIX_PATH_BYTES,
  UnixStreamListener,
  type UnixStreamListenerInit,
} from './unix-stream-listener.ts'
