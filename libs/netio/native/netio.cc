// Entry of the addon. It may be loaded by any number of environments (worker threads): no global state.
#include "arguments.h"

NAPI_MODULE_INIT() {
  const bool ok = netio::initAead(env, exports) && netio::initDatagram(env, exports) &&
                  netio::initTap(env, exports) && netio::initTcp(env, exports) &&
                  netio::initUdp(env, exports) && netio::initUnix(env, exports);
  if (!ok) napi_throw_error(env, "ERR_INTERNAL", "netio: the native addon could not be initialized");
  return exports;
}
