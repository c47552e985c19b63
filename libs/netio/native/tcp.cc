// Options of TCP sockets that Node has no call for. The socket stays Node's own: its descriptor is borrowed for the call.
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

#include <cerrno>
#include <climits>

#include "arguments.h"

namespace netio {

namespace {

// limitUnsent(fd, bytes): bytes in force. Anything but a TCP socket is refused by the kernel (ENOTSOCK, ENOPROTOOPT).
napi_value LimitUnsent(napi_env env, napi_callback_info info) {
  Call<2> call(env, info);
  size_t fd = 0, bytes = 0;
  if (!call.ok || !toInteger(env, call.args[0], "fd", INT_MAX, &fd) ||
      !toInteger(env, call.args[1], "bytes", INT_MAX, &bytes)) {
    return nullptr;
  }
  const int descriptor = static_cast<int>(fd);
  int value = static_cast<int>(bytes);
  if (setsockopt(descriptor, IPPROTO_TCP, TCP_NOTSENT_LOWAT, &value, sizeof value) != 0) {
    throwSystem(env, "setsockopt", errno);
    return nullptr;
  }
  socklen_t length = sizeof value;
  if (getsockopt(descriptor, IPPROTO_TCP, TCP_NOTSENT_LOWAT, &value, &length) != 0) {
    throwSystem(env, "getsockopt", errno);
    return nullptr;
  }
  return toNumber(env, value);
}

}  // namespace

bool initTcp(napi_env env, napi_value exports) {
  napi_value function;
  return napi_create_function(env, "limitUnsent", NAPI_AUTO_LENGTH, LimitUnsent, nullptr, &function) == napi_ok &&
         napi_set_named_property(env, exports, "limitUnsent", function) == napi_ok;
}

}  // namespace netio
