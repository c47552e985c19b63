// An AEAD with its key schedule made once (OpenSSL), for every class that seals or opens. Node exports OpenSSL's symbols and
// ships its headers.
#pragma once

#include <openssl/evp.h>

#include "arguments.h"

namespace netio {

constexpr size_t kNonceBytes = 12;
constexpr size_t kTagBytes = 16;

class Cipher {
 public:
  Cipher() = default;
  ~Cipher() { close(); }
  Cipher(const Cipher&) = delete;
  Cipher& operator=(const Cipher&) = delete;

  // Takes algorithm (text) and key (bytes) of a constructor; false with an exception when they are wrong.
  bool open(napi_env env, napi_value algorithm, napi_value key);
  // Freeing a context wipes its key schedule; no other copy of the key is kept.
  void close();
  bool closed() const { return seal_ == nullptr; }

  // Ciphertext, then tag, `bytes + kTagBytes` in all. Input and output may overlap in any way; the additional data is read
  // before the first byte is written.
  bool seal(const uint8_t* nonce, const Bytes& aad, const uint8_t* from, size_t bytes, uint8_t* to) const;
  // `bytes` counts the tag. What a forged message decrypted to is wiped: nobody shall use it by mistake.
  bool unseal(const uint8_t* nonce, const Bytes& aad, const uint8_t* from, size_t bytes, uint8_t* to) const;

  EVP_CIPHER_CTX* sealing() const { return seal_; }
  EVP_CIPHER_CTX* opening() const { return open_; }

 private:
  EVP_CIPHER_CTX* seal_ = nullptr;
  EVP_CIPHER_CTX* open_ = nullptr;
};

// The steps of a message that lies in parts.
bool beginMessage(EVP_CIPHER_CTX* context, const uint8_t* nonce, const Bytes& aad);
bool updateMessage(EVP_CIPHER_CTX* context, uint8_t* to, const uint8_t* from, size_t bytes);
bool finishSeal(EVP_CIPHER_CTX* context, uint8_t* tag);
bool finishOpen(EVP_CIPHER_CTX* context, uint8_t* tag);

// The nonce of a counter: the 12-byte salt XOR the counter, 64 bits big-endian, in its last eight bytes.
void counterNonce(const uint8_t* salt, uint64_t counter, uint8_t* nonce);

void throwCipher(napi_env env);

}  // namespace netio
