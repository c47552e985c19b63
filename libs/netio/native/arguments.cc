#include "arguments.h"

#include <uv.h>

#include <cmath>
#include <cstdio>
#include <cstring>

namespace netio {

namespace {

template <typename T>
bool toTypedArray(napi_env env, napi_value value, const char* name, napi_typedarray_type wanted,
                  const char* expected, T** data, size_t* length) {
  napi_typedarray_type type;
  void* pointer = nullptr;
  if (napi_get_typedarray_info(env, value, &type, length, &pointer, nullptr, nullptr) != napi_ok ||
      type != wanted) {
    throwType(env, name, expected);
    return false;
  }
  *data = static_cast<T*>(pointer);
  return true;
}

}  // namespace

bool toBytes(napi_env env, napi_value value, const char* name, Bytes* out) {
  return toTypedArray(env, value, name, napi_uint8_array, "a Uint8Array", &out->data, &out->length);
}

bool toTable(napi_env env, napi_value value, const char* name, Table<uint32_t>* out) {
  return toTypedArray(env, value, name, napi_uint32_array, "a Uint32Array", &out->data, &out->length);
}

bool toTable(napi_env env, napi_value value, const char* name, Table<uint64_t>* out) {
  return toTypedArray(env, value, name, napi_biguint64_array, "a BigUint64Array", &out->data, &out->length);
}

bool toTable(napi_env env, napi_value value, const char* name, Table<double>* out) {
  return toTypedArray(env, value, name, napi_float64_array, "a Float64Array", &out->data, &out->length);
}

bool toInteger(napi_env env, napi_value value, const char* name, size_t max, size_t* out) {
  double number = 0;
  if (napi_get_value_double(env, value, &number) != napi_ok) {
    throwType(env, name, "a number");
    return false;
  }
  // The comparison is false for NaN too.
  if (!(number >= 0 && number <= static_cast<double>(max)) || number != std::floor(number)) {
    char expected[64];
    snprintf(expected, sizeof expected, "an integer from 0 to %zu", max);
    throwRange(env, name, expected);
    return false;
  }
  *out = static_cast<size_t>(number);
  return true;
}

bool toBoolean(napi_env env, napi_value value, const char* name, bool* out) {
  if (napi_get_value_bool(env, value, out) != napi_ok) {
    throwType(env, name, "a boolean");
    return false;
  }
  return true;
}

bool toText(napi_env env, napi_value value, const char* name, char* out, size_t capacity) {
  size_t length = 0;
  if (napi_get_value_string_utf8(env, value, nullptr, 0, &length) != napi_ok) {
    throwType(env, name, "a string");
    return false;
  }
  if (length >= capacity || napi_get_value_string_utf8(env, value, out, capacity, &length) != napi_ok ||
      strlen(out) != length) {
    char expected[64];
    snprintf(expected, sizeof expected, "at most %zu bytes long, without a zero byte", capacity - 1);
    throwRange(env, name, expected);
    return false;
  }
  return true;
}

bool toFunction(napi_env env, napi_value value, const char* name) {
  napi_valuetype type;
  if (napi_typeof(env, value, &type) != napi_ok || type != napi_function) {
    throwType(env, name, "a function");
    return false;
  }
  return true;
}

bool isNullish(napi_env env, napi_value value) {
  napi_valuetype type;
  return napi_typeof(env, value, &type) == napi_ok && (type == napi_null || type == napi_undefined);
}

bool checkRange(napi_env env, const char* name, size_t offset, size_t length, size_t total) {
  if (offset <= total && length <= total - offset) return true;
  char expected[128];
  snprintf(expected, sizeof expected, "within its buffer: offset %zu, length %zu, buffer %zu bytes", offset,
           length, total);
  throwRange(env, name, expected);
  return false;
}

bool checkEntries(napi_env env, const char* name, size_t entries, size_t count) {
  if (entries >= count) return true;
  char expected[96];
  snprintf(expected, sizeof expected, "a table of at least %zu entries, not %zu", count, entries);
  throwRange(env, name, expected);
  return false;
}

void throwType(napi_env env, const char* name, const char* expected) {
  char message[192];
  snprintf(message, sizeof message, "netio: %s must be %s", name, expected);
  napi_throw_type_error(env, "ERR_INVALID_ARG_TYPE", message);
}

void throwRange(napi_env env, const char* name, const char* expected) {
  char message[256];
  snprintf(message, sizeof message, "netio: %s must be %s", name, expected);
  napi_throw_range_error(env, "ERR_OUT_OF_RANGE", message);
}

void throwSystem(napi_env env, const char* syscall, int error) {
  char text[256];
  snprintf(text, sizeof text, "%s: %s", syscall, uv_strerror(-error));
  napi_value message, code, errorObject, name;
  if (napi_create_string_utf8(env, text, NAPI_AUTO_LENGTH, &message) != napi_ok ||
      napi_create_string_utf8(env, uv_err_name(-error), NAPI_AUTO_LENGTH, &code) != napi_ok ||
      napi_create_error(env, code, message, &errorObject) != napi_ok ||
      napi_create_string_utf8(env, syscall, NAPI_AUTO_LENGTH, &name) != napi_ok) {
    return;
  }
  napi_set_named_property(env, errorObject, "syscall", name);
  napi_set_named_property(env, errorObject, "errno", toNumber(env, error));
  napi_throw(env, errorObject);
}

void throwClosed(napi_env env) { napi_throw_error(env, "ERR_CLOSED", "netio: the object is closed"); }

napi_value toNumber(napi_env env, double value) {
  napi_value result = nullptr;
  napi_create_double(env, value, &result);
  return result;
}

bool isConstruction(napi_env env, napi_callback_info info) {
  napi_value target = nullptr;
  if (napi_get_new_target(env, info, &target) == napi_ok && target != nullptr) return true;
  napi_throw_type_error(env, "ERR_CONSTRUCT_CALL_REQUIRED", "netio: a class is called with new");
  return false;
}

bool exportClass(napi_env env, napi_value exports, const char* name, napi_callback constructor,
                 const napi_property_descriptor* properties, size_t count) {
  napi_value classValue;
  return napi_define_class(env, name, NAPI_AUTO_LENGTH, constructor, nullptr, count, properties,
                           &classValue) == napi_ok &&
         napi_set_named_property(env, exports, name, classValue) == napi_ok;
}

}  // namespace netio
