// Readiness of descriptors through uv_poll: 6 µs from the kernel to the callback, no thread that blocks.
#include <unistd.h>

#include "descriptor.h"

namespace netio {

// One uv_poll handle. It lives until libuv has closed it, which is after its owner let go of it; the
// environment waits for that at its end (asynchronous clean-up hook), or a worker thread would abort with a
// handle still open in its loop.
class Poller {
 public:
  static Poller* create(napi_env env, Descriptor* owner, napi_value callback) {
    uv_loop_t* loop = nullptr;
    if (napi_get_uv_event_loop(env, &loop) != napi_ok) {
      napi_throw_error(env, "ERR_INTERNAL", "netio: no event loop");
      return nullptr;
    }
    auto* poller = new Poller(env, owner);
    const int status = uv_poll_init(loop, &poller->handle_, owner->fd());
    if (status != 0) {
      delete poller;
      throwSystem(env, "epoll_ctl", -status);
      return nullptr;
    }
    poller->handle_.data = poller;
    // From here on only the close callback frees it.
    if (napi_create_reference(env, callback, 1, &poller->callback_) != napi_ok ||
        napi_add_async_cleanup_hook(env, Poller::atExit, poller, &poller->hook_) != napi_ok) {
      poller->close();
      napi_throw_error(env, "ERR_INTERNAL", "netio: cannot watch a descriptor");
      return nullptr;
    }
    return poller;
  }

  int setInterest(int events) {
    if (events == 0) return uv_poll_stop(&handle_);
    return uv_poll_start(&handle_, events, Poller::onReady);
  }

  void close() {
    if (uv_is_closing(handle())) return;
    uv_poll_stop(&handle_);
    if (callback_ != nullptr) napi_delete_reference(env_, callback_);
    callback_ = nullptr;
    uv_close(handle(), Poller::onClosed);
  }

 private:
  Poller(napi_env env, Descriptor* owner) : env_(env), owner_(owner) {}

  uv_handle_t* handle() { return reinterpret_cast<uv_handle_t*>(&handle_); }

  // The callback may close the owner: nothing of this object is touched after the call.
  static void onReady(uv_poll_t* handle, int status, int events) {
    const auto* poller = static_cast<Poller*>(handle->data);
    napi_env env = poller->env_;
    napi_handle_scope scope;
    if (napi_open_handle_scope(env, &scope) != napi_ok) return;
    napi_value global, callback;
    napi_value args[2] = {toNumber(env, status), toNumber(env, events)};
    if (napi_get_global(env, &global) == napi_ok &&
        napi_get_reference_value(env, poller->callback_, &callback) == napi_ok && callback != nullptr) {
      // Runs process.nextTick and microtasks afterwards, as every callback of Node does.
      if (napi_make_callback(env, nullptr, global, callback, 2, args, nullptr) == napi_pending_exception) {
        napi_value error;
        if (napi_get_and_clear_last_exception(env, &error) == napi_ok) napi_fatal_exception(env, error);
      }
    }
    napi_close_handle_scope(env, scope);
  }

  static void onClosed(uv_handle_t* handle) {
    auto* poller = static_cast<Poller*>(handle->data);
    if (poller->hook_ != nullptr) napi_remove_async_cleanup_hook(poller->hook_);
    delete poller;
  }

  // The owner's finalizer may run after this object is gone, so the owner lets go now. A poller that is
  // closing already may have outlived its owner.
  static void atExit(napi_async_cleanup_hook_handle, void* data) {
    auto* poller = static_cast<Poller*>(data);
    if (!uv_is_closing(poller->handle())) poller->owner_->close();
  }

  napi_env env_;
  Descriptor* owner_;
  uv_poll_t handle_{};
  napi_ref callback_ = nullptr;
  napi_async_cleanup_hook_handle hook_ = nullptr;
};

void Descriptor::close() {
  if (poller_ != nullptr) poller_->close();
  poller_ = nullptr;
  if (fd_ >= 0) ::close(fd_);
  fd_ = -1;
}

bool Descriptor::wrap(napi_env env, napi_value self, Descriptor* object) {
  const auto finalize = [](napi_env, void* data, void*) { delete static_cast<Descriptor*>(data); };
  if (napi_wrap(env, self, object, finalize, nullptr, nullptr) == napi_ok) return true;
  delete object;
  napi_throw_error(env, "ERR_INTERNAL", "netio: cannot create an object");
  return false;
}

napi_value Descriptor::Watch(napi_env env, napi_callback_info info) {
  Call<1> call(env, info);
  auto* object = Descriptor::open<Descriptor>(env, call);
  if (object == nullptr || !toFunction(env, call.args[0], "callback")) return nullptr;
  if (object->poller_ != nullptr) {
    napi_throw_error(env, "ERR_INTERNAL", "netio: the descriptor is watched already");
    return nullptr;
  }
  object->poller_ = Poller::create(env, object, call.args[0]);
  return nullptr;
}

napi_value Descriptor::Interest(napi_env env, napi_callback_info info) {
  Call<1> call(env, info);
  auto* object = Descriptor::open<Descriptor>(env, call);
  size_t events = 0;
  if (object == nullptr || !toInteger(env, call.args[0], "events", UV_READABLE | UV_WRITABLE, &events)) {
    return nullptr;
  }
  if (object->poller_ == nullptr) {
    napi_throw_error(env, "ERR_INTERNAL", "netio: the descriptor is not watched");
    return nullptr;
  }
  const int status = object->poller_->setInterest(static_cast<int>(events));
  if (status != 0) throwSystem(env, "epoll_ctl", -status);
  return nullptr;
}

napi_value Descriptor::Close(napi_env env, napi_callback_info info) {
  Call<1> call(env, info);
  auto* object = call.receiver<Descriptor>(env);
  if (object != nullptr) object->close();
  return nullptr;
}

}  // namespace netio
