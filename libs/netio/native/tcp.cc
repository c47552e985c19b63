// Options of TCP sockets that Node has no call for. The socket stays Node's own: its descriptor is borrowed for the call.
#include <linux/tcp.h>
#include <netinet/in.h>
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

// What a caller of tcpProgress gets, in this order.
enum Progress : size_t { kAckAgeMs, kUnackedSegments, kWindowProbes, kLeastRttUs, kProgressFields };

// tcpProgress(fd, out): how the kernel sees a connection (TCP_INFO, tcp(7)). `out` is a Float64Array of kProgressFields.
napi_value TcpProgress(napi_env env, napi_callback_info info) {
  Call<2> call(env, info);
  size_t fd = 0;
  Table<double> out;
  if (!call.ok || !toInteger(env, call.args[0], "fd", INT_MAX, &fd) || !toTable(env, call.args[1], "out", &out) ||
      !checkEntries(env, "out", out.length, kProgressFields)) {
    return nullptr;
  }
  tcp_info state{};
  socklen_t length = sizeof state;
  if (getsockopt(static_cast<int>(fd), IPPROTO_TCP, TCP_INFO, &state, &length) != 0) {
    throwSystem(env, "getsockopt", errno);
    return nullptr;
  }
  out.set(kAckAgeMs, state.tcpi_last_ack_recv);
  out.set(kUnackedSegments, state.tcpi_unacked);
  out.set(kWindowProbes, state.tcpi_probes);
  out.set(kLeastRttUs, state.tcpi_min_rtt);
  return nullptr;
}

bool define(napi_env env, napi_value exports, const char* name, napi_callback callback) {
  napi_value function;
  return napi_create_function(env, name, NAPI_AUTO_LENGTH, callback, nullptr, &function) == napi_ok &&
         napi_set_named_property(env, exports, name, function) == napi_ok;
}

}  // namespace

bool initTcp(napi_env env, napi_value exports) {
  return define(env, exports, "limitUnsent", LimitUnsent) && define(env, exports, "tcpProgress", TcpProgress);
}

}  // namespace netio
