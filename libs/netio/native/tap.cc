// TAP interfaces: open with virtio-net offloads, drain and fill in batches.
#include <errno.h>
#include <fcntl.h>
#include <linux/if_tun.h>
#include <net/if.h>
#include <net/if_arp.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <cstdio>
#include <cstring>

#include "descriptor.h"

// Linux 6.2; Debian 12's headers do not have them.
#ifndef TUN_F_USO4
#define TUN_F_USO4 0x20
#define TUN_F_USO6 0x40
#endif

namespace netio {

namespace {

// struct virtio_net_hdr_mrg_rxbuf; linux/virtio_net.h does not compile as C++.
constexpr size_t kHeaderBytes = 12;
// MAX_FRAME_BYTES of @wakunet/interface: a 64 KiB super-frame with its Ethernet header and two tags.
constexpr size_t kMaxFrameBytes = 65535 + 14 + 8;
constexpr size_t kMaxBatchFrames = 256;

class Tap : public Descriptor {
 public:
  Tap(int fd, bool vnetHeader, bool uso) : Descriptor(fd), vnetHeader(vnetHeader), uso(uso) {}
  // Whether the kernel speaks virtio-net headers here. Without, callers still see the header slot: zero
  // when read, ignored when written.
  const bool vnetHeader;
  const bool uso;
};

// A descriptor until it is handed over.
class Guard {
 public:
  explicit Guard(int fd) : fd_(fd) {}
  ~Guard() {
    if (fd_ >= 0) ::close(fd_);
  }
  int get() const { return fd_; }
  int release() {
    const int fd = fd_;
    fd_ = -1;
    return fd;
  }

 private:
  int fd_;
};

// USO is asked for first and given up when the kernel does not know it.
bool enableOffloads(int fd, bool* uso) {
  constexpr unsigned long kBase = TUN_F_CSUM | TUN_F_TSO4 | TUN_F_TSO6 | TUN_F_TSO_ECN;
  *uso = ioctl(fd, TUNSETOFFLOAD, kBase | TUN_F_USO4 | TUN_F_USO6) == 0;
  return *uso || ioctl(fd, TUNSETOFFLOAD, kBase) == 0;
}

// new Tap(name, offloads): creates the interface, or attaches to a persistent one.
napi_value Construct(napi_env env, napi_callback_info info) {
  Call<2> call(env, info);
  struct ifreq request = {};
  bool offloads = false;
  if (!isConstruction(env, info) || !toText(env, call.args[0], "name", request.ifr_name, IFNAMSIZ) ||
      !toBoolean(env, call.args[1], "offloads", &offloads)) {
    return nullptr;
  }
  Guard fd(::open("/dev/net/tun", O_RDWR | O_NONBLOCK | O_CLOEXEC));
  if (fd.get() < 0) {
    throwSystem(env, "open", errno);
    return nullptr;
  }
  request.ifr_flags = IFF_TAP | IFF_NO_PI | (offloads ? IFF_VNET_HDR : 0);
  if (ioctl(fd.get(), TUNSETIFF, &request) != 0) {
    throwSystem(env, "TUNSETIFF", errno);
    return nullptr;
  }
  bool uso = false;
  if (offloads) {
    int headerBytes = kHeaderBytes;
    if (ioctl(fd.get(), TUNSETVNETHDRSZ, &headerBytes) != 0) {
      throwSystem(env, "TUNSETVNETHDRSZ", errno);
      return nullptr;
    }
    if (!enableOffloads(fd.get(), &uso)) {
      throwSystem(env, "TUNSETOFFLOAD", errno);
      return nullptr;
    }
  } else if (ioctl(fd.get(), TUNSETOFFLOAD, 0UL) != 0) {
    throwSystem(env, "TUNSETOFFLOAD", errno);
    return nullptr;
  }
  return Descriptor::wrap(env, call.self, new Tap(fd.release(), offloads, uso)) ? call.self : nullptr;
}

ssize_t readFrame(const Tap* tap, uint8_t* slot) {
  ssize_t got;
  do {
    got = tap->vnetHeader ? read(tap->fd(), slot, kHeaderBytes + kMaxFrameBytes)
                          : read(tap->fd(), slot + kHeaderBytes, kMaxFrameBytes);
  } while (got < 0 && errno == EINTR);
  if (got < 0) return -errno;
  if (tap->vnetHeader) return got > static_cast<ssize_t>(kHeaderBytes) ? got - static_cast<ssize_t>(kHeaderBytes) : 0;
  memset(slot, 0, kHeaderBytes);
  return got;
}

// readBatch(bytes, headroom, offsets, lengths, maxFrames): frames read one after another, each behind its
// header slot, from `headroom` on, until the kernel has no more, the tables are full, or less than one
// largest frame is free. Returns their number, or a negative errno when nothing was read and reading fails.
napi_value ReadBatch(napi_env env, napi_callback_info info) {
  Call<5> call(env, info);
  const Tap* tap = Descriptor::open<Tap>(env, call);
  Bytes bytes;
  Table<uint32_t> offsets, lengths;
  size_t headroom = 0, maxFrames = 0;
  if (tap == nullptr || !toInteger(env, call.args[1], "headroom", UINT32_MAX, &headroom) ||
      !toInteger(env, call.args[4], "maxFrames", kMaxBatchFrames, &maxFrames) ||
      !toBytes(env, call.args[0], "bytes", &bytes) || !toTable(env, call.args[2], "offsets", &offsets) ||
      !toTable(env, call.args[3], "lengths", &lengths) ||
      !checkEntries(env, "offsets", offsets.length, maxFrames) ||
      !checkEntries(env, "lengths", lengths.length, maxFrames) ||
      !checkRange(env, "headroom", headroom, kHeaderBytes + kMaxFrameBytes, bytes.length)) {
    return nullptr;
  }
  size_t count = 0;
  size_t offset = headroom;
  while (count < maxFrames && bytes.length - offset >= kHeaderBytes + kMaxFrameBytes) {
    const ssize_t length = readFrame(tap, bytes.data + offset);
    if (length == -EAGAIN) break;
    if (length < 0) return toNumber(env, count > 0 ? static_cast<double>(count) : static_cast<double>(length));
    if (length == 0) continue;
    offsets.set(count, static_cast<uint32_t>(offset));
    lengths.set(count, static_cast<uint32_t>(length));
    offset += kHeaderBytes + static_cast<size_t>(length);
    count++;
  }
  return toNumber(env, static_cast<double>(count));
}

int writeFrame(const Tap* tap, const uint8_t* slot, size_t length) {
  const uint8_t* start = tap->vnetHeader ? slot : slot + kHeaderBytes;
  const size_t size = tap->vnetHeader ? length + kHeaderBytes : length;
  ssize_t written;
  do {
    written = write(tap->fd(), start, size);
  } while (written < 0 && errno == EINTR);
  return written < 0 ? errno : 0;
}

// writeBatch(bytes, offsets, lengths, count, result): one write a frame. Frames that the kernel refuses are
// skipped; a full queue ends the batch. Returns how many frames were taken; result = [bytes taken, frames
// refused, frames dropped, errno when the descriptor is of no more use or 0].
napi_value WriteBatch(napi_env env, napi_callback_info info) {
  Call<5> call(env, info);
  const Tap* tap = Descriptor::open<Tap>(env, call);
  Bytes bytes;
  Table<uint32_t> offsets, lengths;
  Table<double> result;
  size_t count = 0;
  if (tap == nullptr || !toInteger(env, call.args[3], "count", UINT32_MAX, &count) ||
      !toBytes(env, call.args[0], "bytes", &bytes) || !toTable(env, call.args[1], "offsets", &offsets) ||
      !toTable(env, call.args[2], "lengths", &lengths) || !toTable(env, call.args[4], "result", &result) ||
      !checkEntries(env, "offsets", offsets.length, count) ||
      !checkEntries(env, "lengths", lengths.length, count) || !checkEntries(env, "result", result.length, 4)) {
    return nullptr;
  }
  size_t taken = 0, refused = 0, dropped = 0, bytesTaken = 0;
  int fatal = 0;
  for (size_t i = 0; i < count; i++) {
    const size_t offset = offsets.at(i);
    const size_t length = lengths.at(i);
    if (!checkRange(env, "a frame", offset, kHeaderBytes + length, bytes.length)) return nullptr;
    const int error = writeFrame(tap, bytes.data + offset, length);
    if (error == 0) {
      taken++;
      bytesTaken += length;
    } else if (error == EAGAIN || error == EBADFD || error == ENODEV) {
      fatal = error == EAGAIN ? 0 : error;
      dropped = count - i;
      break;
    } else {
      refused++;
    }
  }
  result.set(0, static_cast<double>(bytesTaken));
  result.set(1, static_cast<double>(refused));
  result.set(2, static_cast<double>(dropped));
  result.set(3, fatal);
  return toNumber(env, static_cast<double>(taken));
}

// mac(): hardware address of the interface, lower-case with colons.
napi_value Mac(napi_env env, napi_callback_info info) {
  Call<1> call(env, info);
  const Tap* tap = Descriptor::open<Tap>(env, call);
  if (tap == nullptr) return nullptr;
  struct ifreq request = {};
  if (ioctl(tap->fd(), SIOCGIFHWADDR, &request) != 0) {
    throwSystem(env, "SIOCGIFHWADDR", errno);
    return nullptr;
  }
  const auto* mac = reinterpret_cast<const uint8_t*>(request.ifr_hwaddr.sa_data);
  char text[18];
  snprintf(text, sizeof text, "%02x:%02x:%02x:%02x:%02x:%02x", mac[0], mac[1], mac[2], mac[3], mac[4], mac[5]);
  napi_value result = nullptr;
  napi_create_string_utf8(env, text, NAPI_AUTO_LENGTH, &result);
  return result;
}

// uso(): whether UDP super-frames were agreed on.
napi_value Uso(napi_env env, napi_callback_info info) {
  Call<1> call(env, info);
  const Tap* tap = Descriptor::open<Tap>(env, call);
  napi_value result = nullptr;
  if (tap != nullptr) napi_get_boolean(env, tap->uso, &result);
  return result;
}

}  // namespace

bool initTap(napi_env env, napi_value exports) {
  const napi_property_descriptor properties[] = {
      method("watch", Descriptor::Watch), method("interest", Descriptor::Interest),
      method("close", Descriptor::Close), method("readBatch", ReadBatch),
      method("writeBatch", WriteBatch),   method("mac", Mac),
      method("uso", Uso),
  };
  return exportClass(env, exports, "Tap", Construct, properties, sizeof properties / sizeof *properties);
}

}  // namespace netio
