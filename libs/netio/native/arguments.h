// What every native part shares: arguments out of JavaScript, checked before use, and errors into it.
//
// The rule of this addon: a value from JavaScript becomes a pointer or a length only through a function of
// this file. Pointers are taken last, after everything that could run JavaScript, and are never kept across
// calls, so that a buffer that was detached or resized in between is seen as what it is now.
#pragma once

#include <node_api.h>

#include <cstddef>
#include <cstdint>

namespace netio {

// Bytes of a Uint8Array (Buffer included).
struct Bytes {
  uint8_t* data = nullptr;
  size_t length = 0;
};

// Entries of a typed array that serves as a table. Entries are read once each: the memory may be shared
// with another thread, and what was checked must be what is used.
template <typename T>
struct Table {
  T* data = nullptr;
  size_t length = 0;
  T at(size_t index) const { return static_cast<const volatile T*>(data)[index]; }
  void set(size_t index, T value) const { data[index] = value; }
};

// Each throws a TypeError or RangeError that names the argument, and returns false, when the value is not
// what it must be.
bool toBytes(napi_env env, napi_value value, const char* name, Bytes* out);
bool toTable(napi_env env, napi_value value, const char* name, Table<uint32_t>* out);
bool toTable(napi_env env, napi_value value, const char* name, Table<uint64_t>* out);
bool toTable(napi_env env, napi_value value, const char* name, Table<double>* out);
// An integer from 0 to `max`.
bool toInteger(napi_env env, napi_value value, const char* name, size_t max, size_t* out);
bool toBoolean(napi_env env, napi_value value, const char* name, bool* out);
// A string of at most `capacity - 1` bytes in UTF-8, without a zero inside.
bool toText(napi_env env, napi_value value, const char* name, char* out, size_t capacity);
bool toFunction(napi_env env, napi_value value, const char* name);
bool isNullish(napi_env env, napi_value value);

// True when [offset, offset + length) lies within `total`; throws a RangeError otherwise.
bool checkRange(napi_env env, const char* name, size_t offset, size_t length, size_t total);
// True when a table has at least `count` entries; throws a RangeError otherwise.
bool checkEntries(napi_env env, const char* name, size_t entries, size_t count);

void throwType(napi_env env, const char* name, const char* expected);
void throwRange(napi_env env, const char* name, const char* expected);
// An Error with `code` (EPERM), `errno` (positive) and `syscall`, as Node's own system errors have them.
void throwSystem(napi_env env, const char* syscall, int error);
void throwClosed(napi_env env);

napi_value toNumber(napi_env env, double value);

// Arguments of one call; those that are missing are undefined.
template <size_t N>
struct Call {
  napi_value self = nullptr;
  napi_value args[N] = {};
  bool ok = false;

  Call(napi_env env, napi_callback_info info) {
    size_t count = N;
    ok = napi_get_cb_info(env, info, &count, args, &self, nullptr) == napi_ok;
  }

  // The native object behind `this`. V8 has checked the receiver against the class by its signature; what
  // is left is an object whose constructor threw.
  template <typename T>
  T* receiver(napi_env env) const {
    void* object = nullptr;
    if (!ok || napi_unwrap(env, self, &object) != napi_ok || object == nullptr) {
      throwClosed(env);
      return nullptr;
    }
    return static_cast<T*>(object);
  }
};

inline napi_property_descriptor method(const char* name, napi_callback run) {
  return {name, nullptr, run, nullptr, nullptr, nullptr, napi_default_method, nullptr};
}

// False, with a TypeError, when a constructor is called without `new`: `this` would be the global object.
bool isConstruction(napi_env env, napi_callback_info info);

bool exportClass(napi_env env, napi_value exports, const char* name, napi_callback constructor,
                 const napi_property_descriptor* properties, size_t count);

bool initAead(napi_env env, napi_value exports);
bool initDatagram(napi_env env, napi_value exports);
bool initTap(napi_env env, napi_value exports);
bool initUdp(napi_env env, napi_value exports);
bool initTcp(napi_env env, napi_value exports);
bool initUnix(napi_env env, napi_value exports);

}  // namespace netio
