// A file descriptor that JavaScript owns, and its readiness in the event loop.
#pragma once

#include <uv.h>

#include "arguments.h"

namespace netio {

class Poller;

// Base of everything that holds a descriptor. The descriptor is closed once: by `close()`, or by the
// finalizer when JavaScript lost the object; the poll always stops first.
class Descriptor {
 public:
  explicit Descriptor(int fd) : fd_(fd) {}
  virtual ~Descriptor() { close(); }
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;

  int fd() const { return fd_; }
  void close();

  // Ties `object` to `self`; deletes it when that fails.
  static bool wrap(napi_env env, napi_value self, Descriptor* object);

  // Methods of every class over a descriptor: watch(callback), interest(events), close().
  static napi_value Watch(napi_env env, napi_callback_info info);
  static napi_value Interest(napi_env env, napi_callback_info info);
  static napi_value Close(napi_env env, napi_callback_info info);

  // The open object of a class derived from this one behind `this`; throws when it is closed.
  template <typename T, size_t N>
  static T* open(napi_env env, const Call<N>& call) {
    Descriptor* object = call.template receiver<Descriptor>(env);
    if (object == nullptr) return nullptr;
    if (object->fd_ < 0) {
      throwClosed(env);
      return nullptr;
    }
    return static_cast<T*>(object);
  }

 private:
  int fd_;
  Poller* poller_ = nullptr;
};

}  // namespace netio
