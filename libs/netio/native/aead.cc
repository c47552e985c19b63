// Authenticated encryption with OpenSSL contexts that are kept: the key schedule is made once, a message
// costs a new nonce. Node exports OpenSSL's symbols and ships its headers.
#include <openssl/crypto.h>

#include <cstring>

#include "cipher.h"

namespace netio {

namespace {

constexpr size_t kMaxParts = 256;
// Far above any record and far below what EVP counts in (int).
constexpr size_t kMaxMessageBytes = 64 << 20;

template <size_t N>
Cipher* receiver(napi_env env, const Call<N>& call) {
  Cipher* aead = call.template receiver<Cipher>(env);
  if (aead == nullptr || !aead->closed()) return aead;
  throwClosed(env);
  return nullptr;
}

bool toNonce(napi_env env, napi_value value, uint8_t* nonce) {
  Bytes bytes;
  if (!toBytes(env, value, "nonce", &bytes)) return false;
  if (bytes.length != kNonceBytes) {
    throwRange(env, "nonce", "12 bytes long");
    return false;
  }
  memcpy(nonce, bytes.data, kNonceBytes);
  return true;
}

bool toAad(napi_env env, napi_value value, Bytes* aad) {
  if (isNullish(env, value)) return true;
  return toBytes(env, value, "aad", aad) && checkRange(env, "aad", 0, aad->length, kMaxMessageBytes);
}

// new AeadContext(algorithm, key)
napi_value Construct(napi_env env, napi_callback_info info) {
  Call<2> call(env, info);
  if (!isConstruction(env, info)) return nullptr;
  auto* aead = new Cipher();
  const auto finalize = [](napi_env, void* data, void*) { delete static_cast<Cipher*>(data); };
  if (!aead->open(env, call.args[0], call.args[1])) {
    delete aead;
    return nullptr;
  }
  if (napi_wrap(env, call.self, aead, finalize, nullptr, nullptr) != napi_ok) {
    delete aead;
    napi_throw_error(env, "ERR_INTERNAL", "netio: cannot create an object");
    return nullptr;
  }
  return call.self;
}

napi_value Close(napi_env env, napi_callback_info info) {
  Call<1> call(env, info);
  Cipher* aead = call.receiver<Cipher>(env);
  if (aead != nullptr) aead->close();
  return nullptr;
}

// The arguments of sealOne and openOne: (nonce, aad, input, inOffset, inLength, output, outOffset).
struct One {
  Cipher* aead = nullptr;
  uint8_t nonce[kNonceBytes];
  Bytes aad, input, output;
  size_t inOffset = 0, inLength = 0, outOffset = 0;

  bool read(napi_env env, napi_callback_info info) {
    Call<7> call(env, info);
    aead = receiver(env, call);
    return aead != nullptr && toNonce(env, call.args[0], nonce) && toAad(env, call.args[1], &aad) &&
           toBytes(env, call.args[2], "input", &input) &&
           toInteger(env, call.args[3], "inOffset", UINT32_MAX, &inOffset) &&
           toInteger(env, call.args[4], "inLength", kMaxMessageBytes, &inLength) &&
           toBytes(env, call.args[5], "output", &output) &&
           toInteger(env, call.args[6], "outOffset", UINT32_MAX, &outOffset) &&
           checkRange(env, "input", inOffset, inLength, input.length);
  }
};

napi_value SealOne(napi_env env, napi_callback_info info) {
  One one;
  if (!one.read(env, info) ||
      !checkRange(env, "output", one.outOffset, one.inLength + kTagBytes, one.output.length)) {
    return nullptr;
  }
  if (!one.aead->seal(one.nonce, one.aad, one.input.data + one.inOffset, one.inLength,
                   one.output.data + one.outOffset)) {
    throwCipher(env);
    return nullptr;
  }
  return toNumber(env, static_cast<double>(one.inLength + kTagBytes));
}

napi_value OpenOne(napi_env env, napi_callback_info info) {
  One one;
  if (!one.read(env, info)) return nullptr;
  const size_t plain = one.inLength < kTagBytes ? 0 : one.inLength - kTagBytes;
  if (!checkRange(env, "output", one.outOffset, plain, one.output.length)) return nullptr;
  const bool ok = one.aead->unseal(one.nonce, one.aad, one.input.data + one.inOffset, one.inLength,
                              one.output.data + one.outOffset);
  return toNumber(env, ok ? static_cast<double>(plain) : -1);
}

// A message in several buffers.
struct Parts {
  Bytes parts[kMaxParts];
  size_t count = 0;
  size_t total = 0;

  // Getters of a strange array may run JavaScript, so all elements are fetched before the first pointer is
  // taken; the caller takes its own pointers after this call.
  bool read(napi_env env, napi_value array) {
    bool isArray = false;
    uint32_t length = 0;
    if (napi_is_array(env, array, &isArray) != napi_ok || !isArray ||
        napi_get_array_length(env, array, &length) != napi_ok) {
      throwType(env, "parts", "an array of Uint8Array");
      return false;
    }
    if (length > kMaxParts) {
      throwRange(env, "parts", "at most 256 buffers");
      return false;
    }
    napi_value elements[kMaxParts];
    for (uint32_t i = 0; i < length; i++) {
      if (napi_get_element(env, array, i, &elements[i]) != napi_ok) return false;
    }
    for (uint32_t i = 0; i < length; i++) {
      if (!toBytes(env, elements[i], "a part", &parts[i])) return false;
      total += parts[i].length;
      if (!checkRange(env, "parts together", 0, total, kMaxMessageBytes)) return false;
    }
    count = length;
    return true;
  }

  // Every part lies apart from [to, to + size), or exactly where its own output goes.
  bool fits(napi_env env, const uint8_t* to, size_t size) const {
    size_t place = 0;
    for (size_t i = 0; i < count; i++) {
      const Bytes& part = parts[i];
      const bool inPlace = part.data == to + place;
      const bool apart = part.data + part.length <= to || to + size <= part.data;
      if (!inPlace && !apart && part.length > 0) {
        throwRange(env, "a part", "apart from the output, or exactly in place");
        return false;
      }
      place += part.length;
    }
    return true;
  }

  // The last 16 bytes, which may be spread over several parts.
  void copyTag(uint8_t* tag) const {
    size_t missing = kTagBytes;
    for (size_t i = count; i-- > 0 && missing > 0;) {
      const size_t take = parts[i].length < missing ? parts[i].length : missing;
      if (take == 0) continue;
      missing -= take;
      memcpy(tag + missing, parts[i].data + parts[i].length - take, take);
    }
  }

  bool process(EVP_CIPHER_CTX* context, uint8_t* to, size_t bytes) const {
    size_t done = 0;
    for (size_t i = 0; i < count && done < bytes; i++) {
      const size_t take = parts[i].length < bytes - done ? parts[i].length : bytes - done;
      if (!updateMessage(context, to + done, parts[i].data, take)) return false;
      done += take;
    }
    return true;
  }
};

// The arguments of seal and open: (nonce, aad, parts, output, outOffset).
struct Gather {
  Cipher* aead = nullptr;
  uint8_t nonce[kNonceBytes];
  Bytes aad, output;
  Parts parts;
  size_t outOffset = 0;

  bool read(napi_env env, napi_callback_info info) {
    Call<5> call(env, info);
    // The receiver is looked up after the parts: a getter could have closed it.
    return parts.read(env, call.args[2]) && (aead = receiver(env, call)) != nullptr &&
           toNonce(env, call.args[0], nonce) && toAad(env, call.args[1], &aad) &&
           toInteger(env, call.args[4], "outOffset", UINT32_MAX, &outOffset) &&
           toBytes(env, call.args[3], "output", &output);
  }
};

napi_value Seal(napi_env env, napi_callback_info info) {
  Gather gather;
  if (!gather.read(env, info)) return nullptr;
  const size_t total = gather.parts.total;
  if (!checkRange(env, "output", gather.outOffset, total + kTagBytes, gather.output.length)) return nullptr;
  uint8_t* to = gather.output.data + gather.outOffset;
  if (!gather.parts.fits(env, to, total + kTagBytes)) return nullptr;
  EVP_CIPHER_CTX* context = gather.aead->sealing();
  if (!beginMessage(context, gather.nonce, gather.aad) || !gather.parts.process(context, to, total) ||
      !finishSeal(context, to + total)) {
    throwCipher(env);
    return nullptr;
  }
  return toNumber(env, static_cast<double>(total + kTagBytes));
}

napi_value Open(napi_env env, napi_callback_info info) {
  Gather gather;
  if (!gather.read(env, info)) return nullptr;
  if (gather.parts.total < kTagBytes) return toNumber(env, -1);
  const size_t plain = gather.parts.total - kTagBytes;
  if (!checkRange(env, "output", gather.outOffset, plain, gather.output.length)) return nullptr;
  uint8_t* to = gather.output.data + gather.outOffset;
  if (!gather.parts.fits(env, to, plain)) return nullptr;
  uint8_t tag[kTagBytes];
  gather.parts.copyTag(tag);
  EVP_CIPHER_CTX* context = gather.aead->opening();
  if (beginMessage(context, gather.nonce, gather.aad) && gather.parts.process(context, to, plain) &&
      finishOpen(context, tag)) {
    return toNumber(env, static_cast<double>(plain));
  }
  if (plain > 0) OPENSSL_cleanse(to, plain);
  return toNumber(env, -1);
}

// The arguments of sealBatch and openBatch: (salt, counters, aadBytes, input, inOffsets, inLengths, output,
// outOffsets, count, opened). A nonce is the 12-byte salt XOR the 64-bit counter in its last eight bytes,
// big-endian. The additional data of an entry are the `aadBytes` in front of its input.
struct Batch {
  Cipher* aead = nullptr;
  Bytes salt, input, output, opened;
  Table<uint64_t> counters;
  Table<uint32_t> inOffsets, inLengths, outOffsets;
  size_t aadBytes = 0, count = 0;

  bool read(napi_env env, napi_callback_info info) {
    Call<10> call(env, info);
    aead = receiver(env, call);
    if (aead == nullptr || !toInteger(env, call.args[2], "aadBytes", 65535, &aadBytes) ||
        !toInteger(env, call.args[8], "count", UINT32_MAX, &count) ||
        !toBytes(env, call.args[0], "salt", &salt) || !toTable(env, call.args[1], "counters", &counters) ||
        !toBytes(env, call.args[3], "input", &input) ||
        !toTable(env, call.args[4], "inputOffsets", &inOffsets) ||
        !toTable(env, call.args[5], "inputLengths", &inLengths) ||
        !toBytes(env, call.args[6], "output", &output) ||
        !toTable(env, call.args[7], "outputOffsets", &outOffsets) ||
        !toBytes(env, call.args[9], "opened", &opened)) {
      return false;
    }
    if (salt.length != kNonceBytes) {
      throwRange(env, "salt", "12 bytes long");
      return false;
    }
    return checkEntries(env, "counters", counters.length, count) &&
           checkEntries(env, "inputOffsets", inOffsets.length, count) &&
           checkEntries(env, "inputLengths", inLengths.length, count) &&
           checkEntries(env, "outputOffsets", outOffsets.length, count);
  }

  void nonce(size_t index, uint8_t* nonce) const {
    counterNonce(salt.data, counters.at(index), nonce);
  }

  // One entry, checked; `outLength` is a function of the input's length.
  struct Entry {
    uint8_t nonce[kNonceBytes];
    Bytes aad;
    const uint8_t* from;
    size_t bytes;
    uint8_t* to;
  };

  bool entry(napi_env env, size_t index, bool sealing, Entry* out) const {
    const size_t inOffset = inOffsets.at(index);
    const size_t outOffset = outOffsets.at(index);
    out->bytes = inLengths.at(index);
    if (!checkRange(env, "an input", inOffset, out->bytes, input.length) ||
        !checkRange(env, "an input's length", 0, out->bytes, kMaxMessageBytes)) {
      return false;
    }
    if (inOffset < aadBytes) {
      throwRange(env, "an input offset", "at least aadBytes: the additional data lies in front of the input");
      return false;
    }
    const size_t outLength = sealing                  ? out->bytes + kTagBytes
                             : out->bytes < kTagBytes ? 0
                                                      : out->bytes - kTagBytes;
    if (!checkRange(env, "an output", outOffset, outLength, output.length)) return false;
    nonce(index, out->nonce);
    out->aad = {input.data + inOffset - aadBytes, aadBytes};
    out->from = input.data + inOffset;
    out->to = output.data + outOffset;
    return true;
  }
};

napi_value SealBatch(napi_env env, napi_callback_info info) {
  Batch batch;
  if (!batch.read(env, info)) return nullptr;
  for (size_t i = 0; i < batch.count; i++) {
    Batch::Entry entry;
    if (!batch.entry(env, i, true, &entry)) return nullptr;
    if (!batch.aead->seal(entry.nonce, entry.aad, entry.from, entry.bytes, entry.to)) {
      throwCipher(env);
      return nullptr;
    }
  }
  return toNumber(env, static_cast<double>(batch.count));
}

// Returns how many were authentic; opened[i] is 1 for those and 0 for the others.
napi_value OpenBatch(napi_env env, napi_callback_info info) {
  Batch batch;
  if (!batch.read(env, info) || !checkEntries(env, "opened", batch.opened.length, batch.count)) return nullptr;
  size_t authentic = 0;
  for (size_t i = 0; i < batch.count; i++) {
    Batch::Entry entry;
    if (!batch.entry(env, i, false, &entry)) return nullptr;
    const bool ok = batch.aead->unseal(entry.nonce, entry.aad, entry.from, entry.bytes, entry.to);
    batch.opened.data[i] = ok ? 1 : 0;
    if (ok) authentic++;
  }
  return toNumber(env, static_cast<double>(authentic));
}

}  // namespace

bool initAead(napi_env env, napi_value exports) {
  const napi_property_descriptor properties[] = {
      method("sealOne", SealOne),     method("openOne", OpenOne),     method("seal", Seal),
      method("open", Open),           method("sealBatch", SealBatch), method("openBatch", OpenBatch),
      method("close", Close),
  };
  return exportClass(env, exports, "Aead", Construct, properties, sizeof properties / sizeof *properties);
}

}  // namespace netio
