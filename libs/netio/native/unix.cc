// Unix stream sockets for the frame lane: non-blocking, into and out of buffers that the caller keeps.
#include <errno.h>
#include <limits.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <sys/un.h>
#include <unistd.h>

#include <cstring>

#include "descriptor.h"

namespace netio {

namespace {

constexpr size_t kMaxParts = 512;
static_assert(kMaxParts <= IOV_MAX);
constexpr size_t kMaxBytes = 1 << 30;

int openSocket() { return socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0); }

bool toAddress(napi_env env, napi_value value, sockaddr_un* address) {
  address->sun_family = AF_UNIX;
  if (!toText(env, value, "path", address->sun_path, sizeof address->sun_path)) return false;
  if (address->sun_path[0] != 0) return true;
  throwRange(env, "path", "not empty");
  return false;
}

// Best effort: without CAP_NET_ADMIN the kernel caps it at net.core.wmem_max. The sender's buffer is the only
// one that counts on a Unix socket; the receiver's is set as well so that both ends look alike.
void enlarge(int fd, size_t bytes) {
  const int size = static_cast<int>(bytes);
  if (setsockopt(fd, SOL_SOCKET, SO_SNDBUFFORCE, &size, sizeof size) != 0) {
    setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &size, sizeof size);
  }
  if (setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &size, sizeof size) != 0) {
    setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &size, sizeof size);
  }
}

// Marks listeners, which are also arguments: V8 checks the class of `this` only.
constexpr napi_type_tag kListenerTag = {0x6b6c1f0a52d94c3e, 0x9d0f4b7be2a15c86};

// new UnixListener(path, mode): bound and listening. The mode is set on the socket before it is bound, so
// that the file never exists with another one, and without touching the umask of the whole process.
napi_value ConstructListener(napi_env env, napi_callback_info info) {
  Call<2> call(env, info);
  sockaddr_un address = {};
  size_t mode = 0;
  if (!isConstruction(env, info) || !toAddress(env, call.args[0], &address) ||
      !toInteger(env, call.args[1], "mode", 0777, &mode)) {
    return nullptr;
  }
  const int fd = openSocket();
  const char* failed = nullptr;
  if (fd < 0) {
    failed = "socket";
  } else if (fchmod(fd, static_cast<mode_t>(mode)) != 0) {
    failed = "fchmod";
  } else if (bind(fd, reinterpret_cast<sockaddr*>(&address), sizeof address) != 0) {
    failed = "bind";
  } else if (listen(fd, 64) != 0) {
    failed = "listen";
  }
  if (failed != nullptr) {
    throwSystem(env, failed, errno);
    if (fd >= 0) ::close(fd);
    return nullptr;
  }
  if (!Descriptor::wrap(env, call.self, new Descriptor(fd))) return nullptr;
  return napi_type_tag_object(env, call.self, &kListenerTag) == napi_ok ? call.self : nullptr;
}

// A connection to a path. Unix sockets connect at once or not at all.
int connectTo(napi_env env, napi_value path) {
  sockaddr_un address = {};
  if (!toAddress(env, path, &address)) return -1;
  const int fd = openSocket();
  if (fd >= 0 && connect(fd, reinterpret_cast<sockaddr*>(&address), sizeof address) == 0) return fd;
  throwSystem(env, fd < 0 ? "socket" : "connect", errno);
  if (fd >= 0) ::close(fd);
  return -1;
}

// The next connection that waits at a listener; EAGAIN is thrown when none does.
int acceptFrom(napi_env env, napi_value value) {
  void* object = nullptr;
  if (napi_unwrap(env, value, &object) != napi_ok) {
    throwType(env, "listener", "an open UnixListener");
    return -1;
  }
  const auto* listener = static_cast<const Descriptor*>(object);
  if (listener->fd() < 0) {
    throwClosed(env);
    return -1;
  }
  const int fd = accept4(listener->fd(), nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC);
  if (fd < 0) throwSystem(env, "accept", errno);
  return fd;
}

// new UnixStream(path or listener, bufferBytes)
napi_value ConstructStream(napi_env env, napi_callback_info info) {
  Call<2> call(env, info);
  size_t bufferBytes = 0;
  if (!isConstruction(env, info) || !toInteger(env, call.args[1], "bufferBytes", kMaxBytes, &bufferBytes)) {
    return nullptr;
  }
  bool isListener = false;
  napi_valuetype type;
  if (napi_typeof(env, call.args[0], &type) == napi_ok && type == napi_object) {
    napi_check_object_type_tag(env, call.args[0], &kListenerTag, &isListener);
  }
  const int fd = isListener ? acceptFrom(env, call.args[0]) : connectTo(env, call.args[0]);
  if (fd < 0) return nullptr;
  enlarge(fd, bufferBytes);
  return Descriptor::wrap(env, call.self, new Descriptor(fd)) ? call.self : nullptr;
}

// read(bytes, offset, length): fills the range with what is there, in one call. Returns the number of bytes,
// 0 when there are none now, UV_EOF when there will be none, or a negative errno.
napi_value Read(napi_env env, napi_callback_info info) {
  Call<3> call(env, info);
  const auto* stream = Descriptor::open<Descriptor>(env, call);
  Bytes bytes;
  size_t offset = 0, length = 0;
  if (stream == nullptr || !toInteger(env, call.args[1], "offset", UINT32_MAX, &offset) ||
      !toInteger(env, call.args[2], "length", kMaxBytes, &length) ||
      !toBytes(env, call.args[0], "bytes", &bytes) ||
      !checkRange(env, "the target", offset, length, bytes.length)) {
    return nullptr;
  }
  // Zero bytes would look like the end of the stream.
  if (length == 0) return toNumber(env, 0);
  ssize_t got;
  do {
    got = recv(stream->fd(), bytes.data + offset, length, MSG_DONTWAIT);
  } while (got < 0 && errno == EINTR);
  if (got > 0) return toNumber(env, static_cast<double>(got));
  if (got == 0) return toNumber(env, UV_EOF);
  return toNumber(env, errno == EAGAIN ? 0 : -errno);
}

// The parts as an I/O vector without their first `skip` bytes; false when an exception is pending.
bool toVector(napi_env env, napi_value array, size_t skip, iovec* vector, size_t* count) {
  bool isArray = false;
  uint32_t length = 0;
  if (napi_is_array(env, array, &isArray) != napi_ok || !isArray ||
      napi_get_array_length(env, array, &length) != napi_ok) {
    throwType(env, "parts", "an array of Uint8Array");
    return false;
  }
  if (length > kMaxParts) {
    throwRange(env, "parts", "at most 512 buffers");
    return false;
  }
  // Getters of a strange array may run JavaScript: all elements first, then the pointers.
  napi_value elements[kMaxParts];
  for (uint32_t i = 0; i < length; i++) {
    if (napi_get_element(env, array, i, &elements[i]) != napi_ok) return false;
  }
  *count = 0;
  for (uint32_t i = 0; i < length; i++) {
    Bytes part;
    if (!toBytes(env, elements[i], "a part", &part)) return false;
    const size_t skipped = skip < part.length ? skip : part.length;
    skip -= skipped;
    if (part.length == skipped) continue;
    vector[(*count)++] = {part.data + skipped, part.length - skipped};
  }
  if (skip > 0) throwRange(env, "skip", "at most the length of all parts");
  return skip == 0;
}

// writev(parts, skip): returns how many bytes were taken, which may be fewer than there are (0: the buffer
// is full), or a negative errno.
napi_value Writev(napi_env env, napi_callback_info info) {
  Call<2> call(env, info);
  iovec vector[kMaxParts];
  size_t skip = 0, count = 0;
  // The stream is looked up after the parts: a getter could have closed it.
  if (!toInteger(env, call.args[1], "skip", UINT32_MAX, &skip) ||
      !toVector(env, call.args[0], skip, vector, &count)) {
    return nullptr;
  }
  const auto* stream = Descriptor::open<Descriptor>(env, call);
  if (stream == nullptr) return nullptr;
  if (count == 0) return toNumber(env, 0);
  msghdr message = {};
  message.msg_iov = vector;
  message.msg_iovlen = count;
  ssize_t sent;
  do {
    sent = sendmsg(stream->fd(), &message, MSG_DONTWAIT | MSG_NOSIGNAL);
  } while (sent < 0 && errno == EINTR);
  if (sent >= 0) return toNumber(env, static_cast<double>(sent));
  return toNumber(env, errno == EAGAIN ? 0 : -errno);
}

}  // namespace

bool initUnix(napi_env env, napi_value exports) {
  const napi_property_descriptor listener[] = {
      method("watch", Descriptor::Watch),
      method("interest", Descriptor::Interest),
      method("close", Descriptor::Close),
  };
  const napi_property_descriptor stream[] = {
      method("watch", Descriptor::Watch), method("interest", Descriptor::Interest),
      method("close", Descriptor::Close), method("read", Read),
      method("writev", Writev),
  };
  return exportClass(env, exports, "UnixListener", ConstructListener, listener,
                     sizeof listener / sizeof *listener) &&
         exportClass(env, exports, "UnixStream", ConstructStream, stream, sizeof stream / sizeof *stream);
}

}  // namespace netio
