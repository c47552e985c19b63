#include "cipher.h"

#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/err.h>
#include <openssl/params.h>

#include <cstring>

namespace netio {

namespace {

// `from` where the cipher may read it while it writes `to`: in place, or apart. Anything between is moved
// to its place first.
const uint8_t* settle(uint8_t* to, const uint8_t* from, size_t bytes) {
  if (from == to || from + bytes <= to || to + bytes <= from) return from;
  memmove(to, from, bytes);
  return to;
}

const EVP_CIPHER* algorithmOf(const char* name) {
  return strcmp(name, "aes-128-gcm") == 0         ? EVP_aes_128_gcm()
         : strcmp(name, "aes-256-gcm") == 0       ? EVP_aes_256_gcm()
         : strcmp(name, "chacha20-poly1305") == 0 ? EVP_chacha20_poly1305()
                                                  : nullptr;
}

}  // namespace

bool Cipher::open(napi_env env, napi_value algorithm, napi_value keyValue) {
  char name[32];
  Bytes key;
  if (!toText(env, algorithm, "algorithm", name, sizeof name) || !toBytes(env, keyValue, "key", &key)) {
    return false;
  }
  const EVP_CIPHER* cipher = algorithmOf(name);
  if (cipher == nullptr) {
    throwRange(env, "algorithm", "aes-128-gcm, aes-256-gcm or chacha20-poly1305");
    return false;
  }
  if (key.length != static_cast<size_t>(EVP_CIPHER_get_key_length(cipher))) {
    throwRange(env, "key", "as long as the algorithm wants it: 16 bytes for aes-128-gcm, else 32");
    return false;
  }
  seal_ = EVP_CIPHER_CTX_new();
  open_ = EVP_CIPHER_CTX_new();
  if (seal_ != nullptr && open_ != nullptr &&
      EVP_CipherInit_ex(seal_, cipher, nullptr, key.data, nullptr, 1) == 1 &&
      EVP_CipherInit_ex(open_, cipher, nullptr, key.data, nullptr, 0) == 1) {
    return true;
  }
  close();
  throwCipher(env);
  return false;
}

void Cipher::close() {
  EVP_CIPHER_CTX_free(seal_);
  EVP_CIPHER_CTX_free(open_);
  seal_ = open_ = nullptr;
}

bool Cipher::seal(const uint8_t* nonce, const Bytes& aad, const uint8_t* from, size_t bytes,
                  uint8_t* to) const {
  return beginMessage(seal_, nonce, aad) && updateMessage(seal_, to, settle(to, from, bytes), bytes) &&
         finishSeal(seal_, to + bytes);
}

bool Cipher::unseal(const uint8_t* nonce, const Bytes& aad, const uint8_t* from, size_t bytes,
                    uint8_t* to) const {
  if (bytes < kTagBytes) return false;
  const size_t plain = bytes - kTagBytes;
  uint8_t tag[kTagBytes];
  memcpy(tag, from + plain, kTagBytes);
  // Nonce and tag in one call: a datagram has few bytes, so that each call counts.
  const OSSL_PARAM params[] = {OSSL_PARAM_octet_string(OSSL_CIPHER_PARAM_AEAD_TAG, tag, kTagBytes), OSSL_PARAM_END};
  uint8_t rest[kTagBytes];
  int length = 0;
  if (EVP_DecryptInit_ex2(open_, nullptr, nullptr, nonce, params) == 1 &&
      (aad.length == 0 ||
       EVP_DecryptUpdate(open_, nullptr, &length, aad.data, static_cast<int>(aad.length)) == 1) &&
      updateMessage(open_, to, settle(to, from, plain), plain) && EVP_DecryptFinal_ex(open_, rest, &length) == 1) {
    return true;
  }
  // Node's own crypto must not find our refusals in the thread's error queue.
  ERR_clear_error();
  if (plain > 0) OPENSSL_cleanse(to, plain);
  return false;
}

bool beginMessage(EVP_CIPHER_CTX* context, const uint8_t* nonce, const Bytes& aad) {
  int length = 0;
  return EVP_CipherInit_ex(context, nullptr, nullptr, nullptr, nonce, -1) == 1 &&
         (aad.length == 0 ||
          EVP_CipherUpdate(context, nullptr, &length, aad.data, static_cast<int>(aad.length)) == 1);
}

bool updateMessage(EVP_CIPHER_CTX* context, uint8_t* to, const uint8_t* from, size_t bytes) {
  int length = 0;
  return bytes == 0 || EVP_CipherUpdate(context, to, &length, from, static_cast<int>(bytes)) == 1;
}

bool finishSeal(EVP_CIPHER_CTX* context, uint8_t* tag) {
  uint8_t rest[kTagBytes];
  int length = 0;
  OSSL_PARAM params[] = {OSSL_PARAM_octet_string(OSSL_CIPHER_PARAM_AEAD_TAG, tag, kTagBytes), OSSL_PARAM_END};
  return EVP_CipherFinal_ex(context, rest, &length) == 1 && EVP_CIPHER_CTX_get_params(context, params) == 1;
}

bool finishOpen(EVP_CIPHER_CTX* context, uint8_t* tag) {
  uint8_t rest[kTagBytes];
  int length = 0;
  const bool ok = EVP_CIPHER_CTX_ctrl(context, EVP_CTRL_AEAD_SET_TAG, kTagBytes, tag) == 1 &&
                  EVP_CipherFinal_ex(context, rest, &length) == 1;
  // Node's own crypto must not find our refusals in the thread's error queue.
  if (!ok) ERR_clear_error();
  return ok;
}

void counterNonce(const uint8_t* salt, uint64_t counter, uint8_t* nonce) {
  memcpy(nonce, salt, kNonceBytes);
  for (size_t i = 0; i < 8; i++) nonce[4 + i] ^= static_cast<uint8_t>(counter >> (56 - 8 * i));
}

void throwCipher(napi_env env) {
  ERR_clear_error();
  napi_throw_error(env, "ERR_CRYPTO", "netio: the cipher failed");
}

}  // namespace netio
