// The datagram path of a trunk, batch by batch (docs/protocols/trunk.md, "datagrams"): cuts a super-frame into slices and seals
// each as a datagram, in one call; opens what one receive brought, keeps out replays and joins slices again, in one call.
// The payload is read and written once each way, by the cipher itself.
#include <cstring>

#include "cipher.h"

namespace netio {

namespace {

// A datagram: index (32 bits), counter (64 bits), ciphertext, tag.
constexpr size_t kIndexBytes = 4;
constexpr size_t kHeadBytes = 12;
constexpr size_t kOverheadBytes = kHeadBytes + kTagBytes;
// RFC 9001 appendix B.1.1 ends AES-GCM at 2^28 packets of this size; keys change long before. This is the hard stop.
constexpr uint64_t kMaxCounter = 1ull << 32;

// The first byte of a plaintext: a kind, what the rest of the record header looks like, and of a slice what it was cut from.
constexpr uint8_t kKindMask = 0x07;
constexpr uint8_t kKindSlice = 3;
constexpr uint8_t kKindSizedSlice = 4;
constexpr uint8_t kLong = 0x08;
constexpr uint8_t kTypeMask = 0x30;
constexpr uint8_t kTypeUdp = 0x20;
constexpr uint8_t kLast = 0x80;
// Where the fields of a slice's prefix are: sequence, payload offset, upper-layer offset, size of a segment.
constexpr size_t kContextAt = 1;
constexpr size_t kShortSequenceAt = 3;
constexpr size_t kShortOffsetAt = 7;
constexpr size_t kLongSequenceAt = 11;
constexpr size_t kLongOffsetAt = 75;
constexpr size_t kSliceTailBytes = 3;
constexpr size_t kSizeBytes = 2;
constexpr size_t kMaxPrefixBytes = kLongOffsetAt + kSliceTailBytes + kSizeBytes;
// A slice begins a new sequence each so many payload bytes (record.md).
constexpr size_t kSequenceUnitBytes = 512;
// Ethernet, two tags, and more IP headers than any stack writes.
constexpr size_t kMaxFrameHeadBytes = 320;
constexpr size_t kMaxFrameBytes = 65535 + 14 + 8;

// Free bytes before each unit: the record's header, the frame's, and a lane's envelope (RECORD_HEADROOM of the caller).
constexpr size_t kUnitHeadroomBytes = 128;
constexpr size_t kUnitWords = 6;

uint64_t readBig(const uint8_t* from, size_t bytes) {
  uint64_t value = 0;
  for (size_t i = 0; i < bytes; i++) value = value << 8 | from[i];
  return value;
}

void writeBig(uint8_t* to, size_t bytes, uint64_t value) {
  for (size_t i = 0; i < bytes; i++) to[i] = static_cast<uint8_t>(value >> (8 * (bytes - 1 - i)));
}

// One direction of one key: cipher, salt and the index that names it.
struct Direction {
  Cipher cipher;
  uint8_t salt[kNonceBytes];
  uint32_t index = 0;

  // (algorithm, key, salt, index)
  bool open(napi_env env, const Call<4>& call) {
    Bytes saltBytes;
    size_t value = 0;
    if (!toInteger(env, call.args[3], "index", UINT32_MAX, &value) ||
        !toBytes(env, call.args[2], "salt", &saltBytes)) {
      return false;
    }
    if (saltBytes.length != kNonceBytes) {
      throwRange(env, "salt", "12 bytes long");
      return false;
    }
    memcpy(salt, saltBytes.data, kNonceBytes);
    index = static_cast<uint32_t>(value);
    return cipher.open(env, call.args[0], call.args[1]);
  }
};

template <typename T, size_t N>
T* receiver(napi_env env, const Call<N>& call) {
  T* object = call.template receiver<T>(env);
  if (object == nullptr || !object->cipher.closed()) return object;
  throwClosed(env);
  return nullptr;
}

template <typename T>
napi_value Construct(napi_env env, napi_callback_info info) {
  Call<4> call(env, info);
  if (!isConstruction(env, info)) return nullptr;
  auto* object = new T();
  if (!object->open(env, call)) {
    delete object;
    return nullptr;
  }
  const auto finalize = [](napi_env, void* data, void*) { delete static_cast<T*>(data); };
  if (napi_wrap(env, call.self, object, finalize, nullptr, nullptr) != napi_ok) {
    delete object;
    napi_throw_error(env, "ERR_INTERNAL", "netio: cannot create an object");
    return nullptr;
  }
  return call.self;
}

template <typename T>
napi_value Close(napi_env env, napi_callback_info info) {
  Call<1> call(env, info);
  T* object = call.receiver<T>(env);
  if (object != nullptr) object->cipher.close();
  return nullptr;
}

// --- sealing -------------------------------------------------------------------------------------------------------

struct Sealer : Direction {
  uint64_t counter = 0;

  bool used(size_t datagrams) const { return counter + datagrams > kMaxCounter; }

  // Seals `bytes` from `from` as the datagram at `to`.
  bool seal(const uint8_t* from, size_t bytes, uint8_t* to) {
    uint8_t nonce[kNonceBytes];
    counterNonce(salt, counter, nonce);
    writeBig(to, kIndexBytes, index);
    writeBig(to + kIndexBytes, 8, counter);
    counter++;
    return cipher.seal(nonce, Bytes{}, from, bytes, to + kHeadBytes);
  }
};

// sealBatch(bytes, offsets, lengths, count): entry i is the place of a datagram: its plaintext of lengths[i] bytes lies
// 12 bytes behind offsets[i], and 16 bytes for the tag behind it. Returns count, or 0 when the key is used up.
napi_value SealBatch(napi_env env, napi_callback_info info) {
  Call<4> call(env, info);
  auto* sealer = receiver<Sealer>(env, call);
  Bytes bytes;
  Table<uint32_t> offsets, lengths;
  size_t count = 0;
  if (sealer == nullptr || !toInteger(env, call.args[3], "count", UINT32_MAX, &count) ||
      !toBytes(env, call.args[0], "bytes", &bytes) || !toTable(env, call.args[1], "offsets", &offsets) ||
      !toTable(env, call.args[2], "lengths", &lengths) ||
      !checkEntries(env, "offsets", offsets.length, count) ||
      !checkEntries(env, "lengths", lengths.length, count)) {
    return nullptr;
  }
  if (sealer->used(count)) return toNumber(env, 0);
  for (size_t i = 0; i < count; i++) {
    const size_t offset = offsets.at(i), length = lengths.at(i);
    if (!checkRange(env, "a datagram", offset, length + kOverheadBytes, bytes.length)) return nullptr;
    uint8_t* to = bytes.data + offset;
    if (!sealer->seal(to + kHeadBytes, length, to)) {
      throwCipher(env);
      return nullptr;
    }
  }
  return toNumber(env, static_cast<double>(count));
}

// Writes prefix and frame header in front of each slice of a payload, over bytes of the slice before it that were sealed
// already, and puts those back afterwards: a slice is sealed in one piece without having been copied.
class Slices {
 public:
  Slices(uint8_t* payload, const uint8_t* prefix, size_t prefixBytes, const uint8_t* head, size_t headBytes)
      : payload_(payload), frontBytes_(prefixBytes + headBytes) {
    memcpy(front_, prefix, prefixBytes);
    memcpy(front_ + prefixBytes, head, headBytes);
    const bool isLong = (front_[0] & kLong) != 0;
    sequenceAt_ = isLong ? kLongSequenceAt : kShortSequenceAt;
    sequenceBytes_ = isLong ? 8 : 4;
    offsetAt_ = isLong ? kLongOffsetAt : kShortOffsetAt;
    sequence_ = readBig(front_ + sequenceAt_, sequenceBytes_);
  }

  bool seal(Sealer* sealer, size_t at, size_t bytes, bool last, uint8_t* to) {
    writeBig(front_ + sequenceAt_, sequenceBytes_, sequence_ + at / kSequenceUnitBytes);
    writeBig(front_ + offsetAt_, 2, at);
    if (last) front_[0] |= kLast;
    uint8_t saved[kMaxPrefixBytes + kMaxFrameHeadBytes];
    uint8_t* from = payload_ + at - frontBytes_;
    memcpy(saved, from, frontBytes_);
    memcpy(from, front_, frontBytes_);
    const bool ok = sealer->seal(from, frontBytes_ + bytes, to);
    memcpy(from, saved, frontBytes_);
    return ok;
  }

 private:
  uint8_t* payload_;
  size_t frontBytes_;
  size_t sequenceAt_, sequenceBytes_, offsetAt_;
  uint64_t sequence_;
  uint8_t front_[kMaxPrefixBytes + kMaxFrameHeadBytes];
};

// sealSlices(source, frameOffset, frameLength, headBytes, sliceBytes, prefix, output, outOffset): the frame's payload behind
// its first headBytes goes out in slices of sliceBytes, the last one shorter, each a datagram of prefix, frame header and
// payload, one after another. The prefix is that of the first slice. Bytes before the frame's payload, and as many
// as the prefix has before the frame, are written to and put back. Returns the bytes written, 0 when the key is used up.
napi_value SealSlices(napi_env env, napi_callback_info info) {
  Call<8> call(env, info);
  auto* sealer = receiver<Sealer>(env, call);
  Bytes source, prefix, output;
  size_t frameOffset = 0, frameLength = 0, headBytes = 0, sliceBytes = 0, outOffset = 0;
  if (sealer == nullptr || !toInteger(env, call.args[1], "frameOffset", UINT32_MAX, &frameOffset) ||
      !toInteger(env, call.args[2], "frameLength", kMaxFrameBytes, &frameLength) ||
      !toInteger(env, call.args[3], "headBytes", kMaxFrameHeadBytes, &headBytes) ||
      !toInteger(env, call.args[4], "sliceBytes", kMaxFrameBytes, &sliceBytes) ||
      !toInteger(env, call.args[7], "outOffset", UINT32_MAX, &outOffset) ||
      !toBytes(env, call.args[0], "source", &source) || !toBytes(env, call.args[5], "prefix", &prefix) ||
      !toBytes(env, call.args[6], "output", &output)) {
    return nullptr;
  }
  const bool isLong = prefix.length > 0 && (prefix.data[0] & kLong) != 0;
  const size_t least = (isLong ? kLongOffsetAt : kShortOffsetAt) + kSliceTailBytes;
  if (prefix.length < least || prefix.length > kMaxPrefixBytes) {
    throwRange(env, "prefix", "that of a slice");
    return nullptr;
  }
  if (sliceBytes == 0 || headBytes >= frameLength || frameOffset < prefix.length) {
    throwRange(env, "a frame", "longer than its header, behind as many bytes as the prefix has, in slices of at least a byte");
    return nullptr;
  }
  const size_t payloadBytes = frameLength - headBytes;
  const size_t count = (payloadBytes + sliceBytes - 1) / sliceBytes;
  const size_t total = payloadBytes + count * (kOverheadBytes + prefix.length + headBytes);
  if (!checkRange(env, "the frame", frameOffset, frameLength, source.length) ||
      !checkRange(env, "the output", outOffset, total, output.length)) {
    return nullptr;
  }
  if (sealer->used(count)) return toNumber(env, 0);
  const uint8_t* head = source.data + frameOffset;
  Slices slices(source.data + frameOffset + headBytes, prefix.data, prefix.length, head, headBytes);
  uint8_t* to = output.data + outOffset;
  for (size_t at = 0; at < payloadBytes; at += sliceBytes) {
    const size_t left = payloadBytes - at;
    const size_t bytes = left < sliceBytes ? left : sliceBytes;
    if (!slices.seal(sealer, at, bytes, left <= sliceBytes, to)) {
      throwCipher(env);
      return nullptr;
    }
    to += kOverheadBytes + prefix.length + headBytes + bytes;
  }
  return toNumber(env, static_cast<double>(total));
}

// counter(): how many datagrams were sealed.
napi_value Counter(napi_env env, napi_callback_info info) {
  Call<1> call(env, info);
  const auto* sealer = receiver<Sealer>(env, call);
  return sealer == nullptr ? nullptr : toNumber(env, static_cast<double>(sealer->counter));
}

// --- opening -------------------------------------------------------------------------------------------------------

// RFC 6479: a ring of words, of which the newest is never looked at beyond the highest counter. It covers 32,704 counters.
class ReplayWindow {
 public:
  // True where the counter has not been seen and is not too old to know.
  bool isNew(uint64_t counter) const {
    if (counter > top_) return true;
    if (top_ - counter >= kCounters) return false;
    return (words_[(counter / 64) % kWords] & bit(counter)) == 0;
  }

  // Only for what is authentic.
  void mark(uint64_t counter) {
    if (counter > top_) {
      const uint64_t first = top_ / 64, last = counter / 64;
      const uint64_t steps = last - first < kWords ? last - first : kWords;
      for (uint64_t i = 1; i <= steps; i++) words_[(first + i) % kWords] = 0;
      top_ = counter;
    }
    words_[(counter / 64) % kWords] |= bit(counter);
  }

 private:
  static constexpr uint64_t kWords = 512;
  static constexpr uint64_t kCounters = (kWords - 1) * 64;
  static uint64_t bit(uint64_t counter) { return 1ull << (counter % 64); }

  uint64_t words_[kWords] = {};
  uint64_t top_ = 0;
};

struct Opener : Direction {
  ReplayWindow window;
};

// What comes of an open, in the order of the result table.
struct Outcome {
  double units = 0;
  double consumed = 0;
  double authentic = 0;
  double replayed = 0;
  double notAuthentic = 0;
  double malformed = 0;

  void store(Table<double>* result) const {
    const double values[] = {units, consumed, authentic, replayed, notAuthentic, malformed};
    for (size_t i = 0; i < sizeof values / sizeof *values; i++) result->set(i, values[i]);
  }
};

// A plaintext in the output, or slices of one super-frame joined behind the first one's prefix and header.
struct Unit {
  uint8_t* at = nullptr;
  size_t length = 0;
  size_t slices = 1;
  // Payload of the first slice; 0 where it is none.
  size_t sliceBytes = 0;
  // Prefix and frame header.
  size_t frontBytes = 0;
  size_t payloadBytes = 0;
  uint64_t counter = 0;
  // Whether another slice may follow.
  bool open = false;
};

// Bytes of prefix and frame header of a slice; 0 for what is none, or cannot be joined.
size_t sliceFront(const uint8_t* plain, size_t length) {
  const uint8_t kind = plain[0] & kKindMask;
  if ((kind != kKindSlice && kind != kKindSizedSlice) || (plain[0] & kLong) != 0) return 0;
  const size_t prefix = kShortOffsetAt + kSliceTailBytes + (kind == kKindSizedSlice ? kSizeBytes : 0);
  if (length <= prefix) return 0;
  const size_t upper = prefix + plain[kShortOffsetAt + 2];
  if ((plain[0] & kTypeMask) == kTypeUdp) return upper + 8 < length ? upper + 8 : 0;
  if (upper + 20 >= length) return 0;
  const size_t front = upper + static_cast<size_t>(plain[upper + 12] >> 4) * 4;
  return front >= upper + 20 && front < length ? front : 0;
}

// Whether the slice `plain` is the next piece of the super-frame in `unit`.
bool continues(const Unit& unit, const uint8_t* plain, size_t length) {
  const size_t front = sliceFront(plain, length);
  if (front == 0 || front != unit.frontBytes || ((plain[0] ^ unit.at[0]) & ~kLast) != 0) return false;
  const size_t tail = (plain[0] & kKindMask) == kKindSizedSlice ? 1 + kSizeBytes : 1;
  if (memcmp(plain + kContextAt, unit.at + kContextAt, kShortSequenceAt - kContextAt) != 0 ||
      memcmp(plain + kShortOffsetAt + 2, unit.at + kShortOffsetAt + 2, tail) != 0) {
    return false;
  }
  const size_t offset = readBig(plain + kShortOffsetAt, 2);
  const size_t first = readBig(unit.at + kShortOffsetAt, 2);
  const auto frameSequence = [](const uint8_t* at, size_t from) {
    return static_cast<uint32_t>(readBig(at + kShortSequenceAt, 4) - from / kSequenceUnitBytes);
  };
  return offset == first + unit.payloadBytes && frameSequence(plain, offset) == frameSequence(unit.at, first) &&
         length - front <= unit.sliceBytes && unit.length + length - front <= kMaxFrameBytes;
}

// Opens the datagrams of one receive into units.
class Opening {
 public:
  Opening(Opener* opener, const Bytes& output, const Table<uint32_t>& units, size_t maxUnits)
      : opener_(opener), output_(output), units_(units), maxUnits_(maxUnits) {}

  Outcome outcome;

  // Returns false when there is no place for one more.
  bool take(const uint8_t* datagram, size_t length) {
    if (length < kOverheadBytes + 1) {
      outcome.malformed++;
      return true;
    }
    const uint64_t counter = readBig(datagram + kIndexBytes, 8);
    if (!opener_->window.isNew(counter)) {
      outcome.replayed++;
      return true;
    }
    const size_t plainBytes = length - kOverheadBytes;
    return current_.open ? takeBehind(datagram, counter, plainBytes) : takeApart(datagram, counter, plainBytes);
  }

  void finish() {
    if (current_.at == nullptr) return;
    const auto set = [this](size_t word, size_t value) {
      units_.set(static_cast<size_t>(outcome.units) * kUnitWords + word, static_cast<uint32_t>(value));
    };
    set(0, static_cast<size_t>(current_.at - output_.data));
    set(1, current_.length);
    set(2, current_.slices);
    set(3, current_.sliceBytes);
    set(4, current_.counter >> 32);
    set(5, current_.counter & UINT32_MAX);
    outcome.units++;
    current_ = Unit{};
  }

 private:
  size_t usedBytes() const {
    return current_.at == nullptr ? end_ : static_cast<size_t>(current_.at + current_.length - output_.data);
  }

  // A unit of its own.
  bool takeApart(const uint8_t* datagram, uint64_t counter, size_t plainBytes) {
    const size_t at = (usedBytes() + kUnitHeadroomBytes + 7) & ~size_t{7};
    const size_t units = static_cast<size_t>(outcome.units) + (current_.at == nullptr ? 0 : 1);
    if (units >= maxUnits_ || at + plainBytes > output_.length) return false;
    uint8_t* to = output_.data + at;
    if (open(datagram, counter, plainBytes, to)) begin(to, plainBytes, counter);
    return true;
  }

  // Where the next slice of the current super-frame would put its payload: its prefix and header lie on the end of the payload
  // before it, which is put back afterwards.
  bool takeBehind(const uint8_t* datagram, uint64_t counter, size_t plainBytes) {
    uint8_t* end = current_.at + current_.length;
    uint8_t* to = end - current_.frontBytes;
    const size_t at = static_cast<size_t>(to - output_.data);
    // With room to move it behind the headroom of a unit of its own.
    if (at + kUnitHeadroomBytes + 8 + current_.frontBytes + plainBytes > output_.length ||
        static_cast<size_t>(outcome.units) + 1 >= maxUnits_) {
      return false;
    }
    uint8_t saved[kShortOffsetAt + kSliceTailBytes + kSizeBytes + kMaxFrameHeadBytes];
    memcpy(saved, to, current_.frontBytes);
    if (!open(datagram, counter, plainBytes, to)) {
      memcpy(to, saved, current_.frontBytes);
      return true;
    }
    if (continues(current_, to, plainBytes)) {
      join(to, plainBytes);
      memcpy(to, saved, current_.frontBytes);
      return true;
    }
    uint8_t* apart = output_.data + ((usedBytes() + kUnitHeadroomBytes + 7) & ~size_t{7});
    memmove(apart, to, plainBytes);
    memcpy(to, saved, current_.frontBytes);
    begin(apart, plainBytes, counter);
    return true;
  }

  bool open(const uint8_t* datagram, uint64_t counter, size_t plainBytes, uint8_t* to) {
    uint8_t nonce[kNonceBytes];
    counterNonce(opener_->salt, counter, nonce);
    if (!opener_->cipher.unseal(nonce, Bytes{}, datagram + kHeadBytes, plainBytes + kTagBytes, to)) {
      outcome.notAuthentic++;
      return false;
    }
    opener_->window.mark(counter);
    outcome.authentic++;
    return true;
  }

  void begin(uint8_t* at, size_t length, uint64_t counter) {
    if (current_.at != nullptr) end_ = usedBytes();
    finish();
    current_.at = at;
    current_.length = length;
    current_.counter = counter;
    current_.frontBytes = sliceFront(at, length);
    if (current_.frontBytes == 0) return;
    current_.sliceBytes = current_.payloadBytes = length - current_.frontBytes;
    // What is put over the end of the payload must not reach this unit's own header.
    current_.open = (at[0] & kLast) == 0 && current_.frontBytes <= kMaxFrameHeadBytes &&
                    current_.frontBytes <= current_.sliceBytes;
  }

  void join(const uint8_t* plain, size_t length) {
    const size_t bytes = length - current_.frontBytes;
    current_.at[0] |= plain[0] & kLast;
    current_.open = bytes == current_.sliceBytes && (plain[0] & kLast) == 0;
    current_.length += bytes;
    current_.payloadBytes += bytes;
    current_.slices++;
  }

  Opener* opener_;
  Bytes output_;
  Table<uint32_t> units_;
  size_t maxUnits_;
  Unit current_;
  // Where the units before the current one end.
  size_t end_ = 0;
};

// open(input, offset, length, segmentBytes, output, units, result): opens the datagrams of segmentBytes each, the last one
// shorter, that lie one after another in the input. It stops before one of another index, and where units or output
// are full. A unit is six words: where it is in the output, length, slices that were joined, payload of the first of those or 0,
// counter of the first (two words). At least 128 bytes before each are free. `result` is an Outcome.
napi_value Open(napi_env env, napi_callback_info info) {
  Call<7> call(env, info);
  auto* opener = receiver<Opener>(env, call);
  Bytes input, output;
  Table<uint32_t> units;
  Table<double> result;
  size_t offset = 0, length = 0, segmentBytes = 0;
  if (opener == nullptr || !toInteger(env, call.args[1], "offset", UINT32_MAX, &offset) ||
      !toInteger(env, call.args[2], "length", UINT32_MAX, &length) ||
      !toInteger(env, call.args[3], "segmentBytes", UINT32_MAX, &segmentBytes) ||
      !toBytes(env, call.args[0], "input", &input) || !toBytes(env, call.args[4], "output", &output) ||
      !toTable(env, call.args[5], "units", &units) || !toTable(env, call.args[6], "result", &result) ||
      !checkRange(env, "the datagrams", offset, length, input.length) ||
      !checkEntries(env, "result", result.length, 6)) {
    return nullptr;
  }
  Opening opening(opener, output, units, units.length / kUnitWords);
  size_t at = 0;
  while (at < length) {
    const size_t left = length - at;
    const size_t bytes = segmentBytes == 0 || left < segmentBytes ? left : segmentBytes;
    const uint8_t* datagram = input.data + offset + at;
    if (bytes >= kIndexBytes && readBig(datagram, kIndexBytes) != opener->index) break;
    if (!opening.take(datagram, bytes)) break;
    at += bytes;
  }
  opening.finish();
  opening.outcome.consumed = static_cast<double>(at);
  opening.outcome.store(&result);
  return toNumber(env, opening.outcome.units);
}

}  // namespace

bool initDatagram(napi_env env, napi_value exports) {
  const napi_property_descriptor sealer[] = {
      method("sealBatch", SealBatch),
      method("sealSlices", SealSlices),
      method("counter", Counter),
      method("close", Close<Sealer>),
  };
  const napi_property_descriptor opener[] = {
      method("open", Open),
      method("close", Close<Opener>),
  };
  return exportClass(env, exports, "DatagramSealer", Construct<Sealer>, sealer, sizeof sealer / sizeof *sealer) &&
         exportClass(env, exports, "DatagramOpener", Construct<Opener>, opener, sizeof opener / sizeof *opener);
}

}  // namespace netio
