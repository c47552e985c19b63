// UDP in batches: sendmmsg and recvmmsg, with segmentation (GSO) and coalescing (GRO) by the kernel.
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/udp.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cstddef>
#include <cstring>

#include "descriptor.h"

namespace netio {

namespace {

// A packed address is struct sockaddr_in or sockaddr_in6 in a slot of this size.
constexpr size_t kAddressBytes = sizeof(sockaddr_in6);
static_assert(kAddressBytes == 28);
// Linux: UDP_MAX_SEGMENTS (64 before 6.8), and the largest payload over IPv4.
constexpr size_t kMaxSegments = 64;
constexpr size_t kMaxSendBytes = 65507;
constexpr size_t kMaxMessages = 64;
constexpr size_t kMaxBufferBytes = 1 << 30;

class Udp : public Descriptor {
 public:
  Udp(int fd, bool gso) : Descriptor(fd), gso(gso) {}
  // Cleared when the kernel has none, or the way out of this host cannot (EIO): segments then go one by one.
  bool gso;
};

socklen_t addressLength(const uint8_t* address) {
  sa_family_t family;
  memcpy(&family, address, sizeof family);
  return family == AF_INET ? sizeof(sockaddr_in) : sizeof(sockaddr_in6);
}

bool toAddress(napi_env env, napi_value value, napi_value index, uint8_t** address) {
  Bytes bytes;
  size_t offset = 0;
  if (!toInteger(env, index, "offset", UINT32_MAX, &offset) || !toBytes(env, value, "address", &bytes) ||
      !checkRange(env, "the address", offset, kAddressBytes, bytes.length)) {
    return false;
  }
  *address = bytes.data + offset;
  return true;
}

// packAddress(bytes, offset, host, port, scope): false when the host is not an IPv4 or IPv6 address.
napi_value PackAddress(napi_env env, napi_callback_info info) {
  Call<5> call(env, info);
  char host[INET6_ADDRSTRLEN];
  uint8_t* to = nullptr;
  size_t port = 0, scope = 0;
  if (!call.ok || !toText(env, call.args[2], "host", host, sizeof host) ||
      !toInteger(env, call.args[3], "port", 65535, &port) ||
      !toInteger(env, call.args[4], "scope", UINT32_MAX, &scope) ||
      !toAddress(env, call.args[0], call.args[1], &to)) {
    return nullptr;
  }
  sockaddr_in in = {};
  sockaddr_in6 in6 = {};
  bool ok = true;
  memset(to, 0, kAddressBytes);
  if (inet_pton(AF_INET, host, &in.sin_addr) == 1) {
    in.sin_family = AF_INET;
    in.sin_port = htons(static_cast<uint16_t>(port));
    memcpy(to, &in, sizeof in);
  } else if (inet_pton(AF_INET6, host, &in6.sin6_addr) == 1) {
    in6.sin6_family = AF_INET6;
    in6.sin6_port = htons(static_cast<uint16_t>(port));
    in6.sin6_scope_id = static_cast<uint32_t>(scope);
    memcpy(to, &in6, sizeof in6);
  } else {
    ok = false;
  }
  napi_value result = nullptr;
  napi_get_boolean(env, ok, &result);
  return result;
}

// addressHost(bytes, offset): the host of a packed address as text; empty when it is not one.
napi_value AddressHost(napi_env env, napi_callback_info info) {
  Call<2> call(env, info);
  uint8_t* from = nullptr;
  if (!call.ok || !toAddress(env, call.args[0], call.args[1], &from)) return nullptr;
  sa_family_t family;
  memcpy(&family, from, sizeof family);
  char host[INET6_ADDRSTRLEN] = "";
  if (family == AF_INET) {
    inet_ntop(AF_INET, from + offsetof(sockaddr_in, sin_addr), host, sizeof host);
  } else if (family == AF_INET6) {
    inet_ntop(AF_INET6, from + offsetof(sockaddr_in6, sin6_addr), host, sizeof host);
  }
  napi_value result = nullptr;
  napi_create_string_utf8(env, host, NAPI_AUTO_LENGTH, &result);
  return result;
}

bool enable(int fd, int level, int option, int value) {
  return setsockopt(fd, level, option, &value, sizeof value) == 0;
}

// Best effort: without CAP_NET_ADMIN the kernel caps it at net.core.{r,w}mem_max.
void setBuffer(int fd, int forced, int capped, size_t bytes) {
  if (!enable(fd, SOL_SOCKET, forced, static_cast<int>(bytes))) {
    enable(fd, SOL_SOCKET, capped, static_cast<int>(bytes));
  }
}

// Fragments are lost more often than anything else, and the datagram path finds the MTU itself: PROBE sets
// the don't-fragment bit and ignores what the kernel believes the path's MTU to be.
bool forbidFragments(int fd, bool v6) {
  return v6 ? enable(fd, IPPROTO_IPV6, IPV6_MTU_DISCOVER, IPV6_PMTUDISC_PROBE)
            : enable(fd, IPPROTO_IP, IP_MTU_DISCOVER, IP_PMTUDISC_PROBE);
}

// new Udp(address, offload, dontFragment, receiveBufferBytes, sendBufferBytes)
napi_value Construct(napi_env env, napi_callback_info info) {
  Call<5> call(env, info);
  Bytes address;
  bool offload = false, dontFragment = false;
  size_t receiveBytes = 0, sendBytes = 0;
  if (!isConstruction(env, info) || !toBoolean(env, call.args[1], "offload", &offload) ||
      !toBoolean(env, call.args[2], "dontFragment", &dontFragment) ||
      !toInteger(env, call.args[3], "receiveBufferBytes", kMaxBufferBytes, &receiveBytes) ||
      !toInteger(env, call.args[4], "sendBufferBytes", kMaxBufferBytes, &sendBytes) ||
      !toBytes(env, call.args[0], "address", &address) ||
      !checkRange(env, "the address", 0, kAddressBytes, address.length)) {
    return nullptr;
  }
  const bool v6 = addressLength(address.data) == sizeof(sockaddr_in6);
  const int fd = socket(v6 ? AF_INET6 : AF_INET, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  const char* failed = nullptr;
  if (fd < 0) {
    failed = "socket";
  } else if (v6 && !enable(fd, IPPROTO_IPV6, IPV6_V6ONLY, 1)) {
    failed = "IPV6_V6ONLY";
  } else if (dontFragment && !forbidFragments(fd, v6)) {
    failed = "MTU_DISCOVER";
  } else if (bind(fd, reinterpret_cast<const sockaddr*>(address.data), addressLength(address.data)) != 0) {
    failed = "bind";
  }
  if (failed != nullptr) {
    throwSystem(env, failed, errno);
    if (fd >= 0) ::close(fd);
    return nullptr;
  }
  setBuffer(fd, SO_RCVBUFFORCE, SO_RCVBUF, receiveBytes);
  setBuffer(fd, SO_SNDBUFFORCE, SO_SNDBUF, sendBytes);
  enable(fd, SOL_SOCKET, SO_RXQ_OVFL, 1);
  // Since Linux 4.18 and 5.0; without them everything works, slower.
  const bool gso = offload && enable(fd, SOL_UDP, UDP_SEGMENT, 0);
  if (offload) enable(fd, SOL_UDP, UDP_GRO, 1);
  return Descriptor::wrap(env, call.self, new Udp(fd, gso)) ? call.self : nullptr;
}

// localAddress(bytes, offset): the bound address, packed.
napi_value LocalAddress(napi_env env, napi_callback_info info) {
  Call<2> call(env, info);
  const auto* udp = Descriptor::open<Udp>(env, call);
  uint8_t* to = nullptr;
  if (udp == nullptr || !toAddress(env, call.args[0], call.args[1], &to)) return nullptr;
  sockaddr_in6 address = {};
  socklen_t length = sizeof address;
  if (getsockname(udp->fd(), reinterpret_cast<sockaddr*>(&address), &length) != 0) {
    throwSystem(env, "getsockname", errno);
    return nullptr;
  }
  memcpy(to, &address, kAddressBytes);
  return nullptr;
}

// takeError(): the error that the socket holds, cleared by asking; 0 when there is none.
napi_value TakeError(napi_env env, napi_callback_info info) {
  Call<1> call(env, info);
  const auto* udp = Descriptor::open<Udp>(env, call);
  if (udp == nullptr) return nullptr;
  int error = 0;
  socklen_t length = sizeof error;
  getsockopt(udp->fd(), SOL_SOCKET, SO_ERROR, &error, &length);
  return toNumber(env, error);
}

// One entry of a send: `bytes` from `data`, cut into segments of `segment` bytes unless that is 0.
struct Send {
  uint8_t* data;
  size_t bytes;
  size_t segment;
  uint8_t* destination;

  bool segmented() const { return segment > 0 && bytes > segment; }
};

// Messages for sendmmsg with all they point to.
struct Messages {
  mmsghdr headers[kMaxMessages];
  iovec vectors[kMaxMessages];
  alignas(cmsghdr) uint8_t controls[kMaxMessages][CMSG_SPACE(sizeof(uint16_t))];
  size_t count = 0;

  void add(const Send& send) {
    uint8_t* control = controls[count];
    vectors[count] = {send.data, send.bytes};
    msghdr& header = headers[count].msg_hdr;
    header = {};
    header.msg_name = send.destination;
    header.msg_namelen = addressLength(send.destination);
    header.msg_iov = &vectors[count];
    header.msg_iovlen = 1;
    if (send.segmented()) {
      header.msg_control = control;
      header.msg_controllen = sizeof controls[0];
      cmsghdr* item = CMSG_FIRSTHDR(&header);
      item->cmsg_level = SOL_UDP;
      item->cmsg_type = UDP_SEGMENT;
      item->cmsg_len = CMSG_LEN(sizeof(uint16_t));
      const auto size = static_cast<uint16_t>(send.segment);
      memcpy(CMSG_DATA(item), &size, sizeof size);
    }
    count++;
  }

  // How many messages from `first` on went out, or a negative errno for the first.
  int send(int fd, size_t first) {
    int sent;
    do {
      sent = sendmmsg(fd, headers + first, static_cast<unsigned>(count - first), MSG_DONTWAIT);
    } while (sent < 0 && errno == EINTR);
    return sent < 0 ? -errno : sent;
  }
};

struct SendResult {
  double bytes = 0;
  double refused = 0;
  int error = 0;

  void refuse(int code) {
    refused++;
    if (error == 0) error = code;
  }
};

// Segments one by one, where the kernel cannot cut. 0, or the errno that ended it.
int sendSegments(int fd, const Send& send) {
  Messages messages;
  for (size_t at = 0; at < send.bytes; at += send.segment) {
    const size_t left = send.bytes - at;
    messages.add({send.data + at, left < send.segment ? left : send.segment, 0, send.destination});
  }
  for (size_t first = 0; first < messages.count;) {
    const int sent = messages.send(fd, first);
    // Full in the middle: what is left of this entry is lost, as on a wire. At its start: nothing happened.
    if (sent < 0) return sent == -EAGAIN && first > 0 ? ENOBUFS : -sent;
    first += static_cast<size_t>(sent);
  }
  return 0;
}

// Sends entries until the socket is full; returns how many it is done with.
size_t sendAll(Udp* udp, const Send* sends, size_t count, SendResult* result) {
  size_t done = 0;
  while (done < count) {
    if (!udp->gso && sends[done].segmented()) {
      const int error = sendSegments(udp->fd(), sends[done]);
      if (error == EAGAIN) return done;
      if (error == 0) {
        result->bytes += static_cast<double>(sends[done].bytes);
      } else {
        result->refuse(error);
      }
      done++;
      continue;
    }
    Messages messages;
    for (size_t i = done; i < count && (udp->gso || !sends[i].segmented()); i++) messages.add(sends[i]);
    const int sent = messages.send(udp->fd(), 0);
    if (sent == -EAGAIN) return done;
    if (sent == -EIO && sends[done].segmented()) {
      // The device on the way out has no checksum offload (udp(7)).
      udp->gso = false;
    } else if (sent < 0) {
      result->refuse(-sent);
      done++;
    } else {
      for (int i = 0; i < sent; i++) result->bytes += static_cast<double>(sends[done++].bytes);
    }
  }
  return done;
}

// sendBatch(bytes, offsets, lengths, segmentSizes, destinations, destinationIndexes, count, result): returns
// how many entries are done with; fewer than asked: the socket is full. An entry that is out of range throws;
// those of earlier groups of 64 are sent by then.
// result = [bytes sent, entries refused, errno of the first refused or 0].
napi_value SendBatch(napi_env env, napi_callback_info info) {
  Call<8> call(env, info);
  auto* udp = Descriptor::open<Udp>(env, call);
  Bytes bytes, destinations;
  Table<uint32_t> offsets, lengths, segmentSizes, indexes;
  Table<double> result;
  size_t count = 0;
  if (udp == nullptr || !toInteger(env, call.args[6], "count", UINT32_MAX, &count) ||
      !toBytes(env, call.args[0], "bytes", &bytes) || !toTable(env, call.args[1], "offsets", &offsets) ||
      !toTable(env, call.args[2], "lengths", &lengths) ||
      !toTable(env, call.args[3], "segmentSizes", &segmentSizes) ||
      !toBytes(env, call.args[4], "destinations", &destinations) ||
      !toTable(env, call.args[5], "destinationIndexes", &indexes) ||
      !toTable(env, call.args[7], "result", &result) ||
      !checkEntries(env, "offsets", offsets.length, count) ||
      !checkEntries(env, "lengths", lengths.length, count) ||
      !checkEntries(env, "segmentSizes", segmentSizes.length, count) ||
      !checkEntries(env, "destinationIndexes", indexes.length, count) ||
      !checkEntries(env, "result", result.length, 3)) {
    return nullptr;
  }
  Send sends[kMaxMessages];
  SendResult outcome;
  size_t done = 0;
  while (done < count) {
    const size_t group = count - done < kMaxMessages ? count - done : kMaxMessages;
    for (size_t i = 0; i < group; i++) {
      const size_t offset = offsets.at(done + i), length = lengths.at(done + i);
      const size_t segment = segmentSizes.at(done + i);
      const size_t destination = static_cast<size_t>(indexes.at(done + i)) * kAddressBytes;
      if (!checkRange(env, "a datagram", offset, length, bytes.length) ||
          !checkRange(env, "a destination", destination, kAddressBytes, destinations.length)) {
        return nullptr;
      }
      if (length > kMaxSendBytes || (segment > 0 && (length + segment - 1) / segment > kMaxSegments)) {
        throwRange(env, "a datagram", "at most 65507 bytes and 64 segments");
        return nullptr;
      }
      sends[i] = {bytes.data + offset, length, segment, destinations.data + destination};
    }
    const size_t sent = sendAll(udp, sends, group, &outcome);
    done += sent;
    if (sent < group) break;
  }
  result.set(0, outcome.bytes);
  result.set(1, outcome.refused);
  result.set(2, outcome.error);
  return toNumber(env, static_cast<double>(done));
}

struct Control {
  uint32_t segmentSize = 0;
  uint32_t drops = 0;
};

Control readControl(msghdr* header) {
  Control control;
  for (cmsghdr* item = CMSG_FIRSTHDR(header); item != nullptr; item = CMSG_NXTHDR(header, item)) {
    if (item->cmsg_len < CMSG_LEN(sizeof(uint32_t))) continue;
    uint32_t value;
    memcpy(&value, CMSG_DATA(item), sizeof value);
    if (item->cmsg_level == SOL_UDP && item->cmsg_type == UDP_GRO) control.segmentSize = value;
    if (item->cmsg_level == SOL_SOCKET && item->cmsg_type == SO_RXQ_OVFL) control.drops = value;
  }
  return control;
}

// receiveBatch(bytes, slotBytes, offsets, lengths, segmentSizes, sources, maxMessages, result): message i lies
// at offsets[i]; coalesced datagrams lie one after another, each segmentSizes[i] long but the last. Returns
// their number, or a negative errno. result = [truncated and left out, datagrams that the full socket
// dropped since it was opened, or 0 when this batch does not say].
napi_value ReceiveBatch(napi_env env, napi_callback_info info) {
  Call<8> call(env, info);
  const auto* udp = Descriptor::open<Udp>(env, call);
  Bytes bytes, sources;
  Table<uint32_t> offsets, lengths, segmentSizes;
  Table<double> result;
  size_t slotBytes = 0, maxMessages = 0;
  if (udp == nullptr || !toInteger(env, call.args[1], "slotBytes", kMaxBufferBytes, &slotBytes) ||
      !toInteger(env, call.args[6], "maxMessages", kMaxMessages, &maxMessages) ||
      !toBytes(env, call.args[0], "bytes", &bytes) || !toTable(env, call.args[2], "offsets", &offsets) ||
      !toTable(env, call.args[3], "lengths", &lengths) ||
      !toTable(env, call.args[4], "segmentSizes", &segmentSizes) ||
      !toBytes(env, call.args[5], "sources", &sources) || !toTable(env, call.args[7], "result", &result) ||
      !checkEntries(env, "offsets", offsets.length, maxMessages) ||
      !checkEntries(env, "lengths", lengths.length, maxMessages) ||
      !checkEntries(env, "segmentSizes", segmentSizes.length, maxMessages) ||
      !checkRange(env, "the sources", 0, maxMessages * kAddressBytes, sources.length) ||
      !checkRange(env, "the slots", 0, maxMessages * slotBytes, bytes.length) ||
      !checkEntries(env, "result", result.length, 2)) {
    return nullptr;
  }
  result.set(0, 0);
  result.set(1, 0);
  if (maxMessages == 0) return toNumber(env, 0);
  mmsghdr headers[kMaxMessages] = {};
  iovec vectors[kMaxMessages];
  sockaddr_in6 addresses[kMaxMessages] = {};
  alignas(cmsghdr) uint8_t controls[kMaxMessages][2 * CMSG_SPACE(sizeof(uint32_t))];
  for (size_t i = 0; i < maxMessages; i++) {
    vectors[i] = {bytes.data + i * slotBytes, slotBytes};
    msghdr& header = headers[i].msg_hdr;
    header.msg_name = &addresses[i];
    header.msg_namelen = sizeof addresses[i];
    header.msg_iov = &vectors[i];
    header.msg_iovlen = 1;
    header.msg_control = controls[i];
    header.msg_controllen = sizeof controls[i];
  }
  int got;
  do {
    got = recvmmsg(udp->fd(), headers, static_cast<unsigned>(maxMessages), MSG_DONTWAIT, nullptr);
  } while (got < 0 && errno == EINTR);
  if (got < 0) return toNumber(env, errno == EAGAIN ? 0 : -errno);
  size_t count = 0, truncated = 0;
  uint32_t drops = 0;
  for (int i = 0; i < got; i++) {
    msghdr& header = headers[i].msg_hdr;
    const Control control = readControl(&header);
    if (control.drops != 0) drops = control.drops;
    if (header.msg_flags & MSG_TRUNC) {
      truncated++;
      continue;
    }
    const uint32_t length = headers[i].msg_len;
    offsets.set(count, static_cast<uint32_t>(static_cast<size_t>(i) * slotBytes));
    lengths.set(count, length);
    segmentSizes.set(count, control.segmentSize > 0 ? control.segmentSize : length);
    memcpy(sources.data + count * kAddressBytes, &addresses[i], kAddressBytes);
    count++;
  }
  result.set(0, static_cast<double>(truncated));
  result.set(1, drops);
  return toNumber(env, static_cast<double>(count));
}

// gso(): whether the kernel cuts segments.
napi_value Gso(napi_env env, napi_callback_info info) {
  Call<1> call(env, info);
  const auto* udp = Descriptor::open<Udp>(env, call);
  napi_value result = nullptr;
  if (udp != nullptr) napi_get_boolean(env, udp->gso, &result);
  return result;
}

bool exportFunction(napi_env env, napi_value exports, const char* name, napi_callback run) {
  napi_value function;
  return napi_create_function(env, name, NAPI_AUTO_LENGTH, run, nullptr, &function) == napi_ok &&
         napi_set_named_property(env, exports, name, function) == napi_ok;
}

}  // namespace

bool initUdp(napi_env env, napi_value exports) {
  const napi_property_descriptor properties[] = {
      method("watch", Descriptor::Watch),      method("interest", Descriptor::Interest),
      method("close", Descriptor::Close),      method("sendBatch", SendBatch),
      method("receiveBatch", ReceiveBatch),    method("localAddress", LocalAddress),
      method("takeError", TakeError),          method("gso", Gso),
  };
  return exportClass(env, exports, "Udp", Construct, properties, sizeof properties / sizeof *properties) &&
         exportFunction(env, exports, "packAddress", PackAddress) &&
         exportFunction(env, exports, "addressHost", AddressHost);
}

}  // namespace netio
