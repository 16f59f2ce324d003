#include "skink/common/codec/codec.hpp"

#include <string.h>

#include "pieces.hpp"

namespace skink::codec {
namespace {

/// Reads a name from the left.
class NameReader {
 public:
  explicit NameReader(const char* text) noexcept : text_(text), length_(strlen(text)) {}

  bool take(const char* word) noexcept {
    const size_t length = strlen(word);
    if (length > length_ - position_ || memcmp(text_ + position_, word, length) != 0) return false;
    position_ += length;
    return true;
  }
  bool at_end() const noexcept { return position_ == length_; }
  size_t position() const noexcept { return position_; }
  size_t length() const noexcept { return length_; }
  char peek() const noexcept { return at_end() ? '\0' : text_[position_]; }
  void skip() noexcept { ++position_; }

 private:
  const char* text_;
  size_t length_;
  size_t position_ = 0;
};

bool is_digit(char c) noexcept { return c >= '0' && c <= '9'; }

/// "1" or "0." and up to six digits, the last one not 0; in millionths. 0: not a fraction.
uint32_t take_fraction(NameReader& name) noexcept {
  if (name.take("1")) return kAllPpm;
  if (!name.take("0.")) return 0;
  uint32_t ppm = 0;
  uint32_t unit = kAllPpm / 10;
  char last = '0';
  for (; is_digit(name.peek()) && unit > 0; unit /= 10) {
    last = name.peek();
    ppm += static_cast<uint32_t>(last - '0') * unit;
    name.skip();
  }
  return last == '0' || is_digit(name.peek()) ? 0 : ppm;
}

constexpr const char* kAllowed =
    "use [topk:FRACTION+] float32, int8, int4, ternary, sign or eden:1..4 [+range] [+ef], see docs/codec.md";

const char* take_quantizer(NameReader& name, Codec& codec) noexcept {
  struct Named {
    const char* word;
    Quantizer quantizer;
  };
  static constexpr Named kNamed[] = {{"float32", Quantizer::kFloat32}, {"int8", Quantizer::kInt8},
                                     {"int4", Quantizer::kInt4},       {"ternary", Quantizer::kTernary},
                                     {"sign", Quantizer::kSign},       {"eden:", Quantizer::kEden}};
  for (const Named& named : kNamed) {
    if (!name.take(named.word)) continue;
    codec.quantizer = named.quantizer;
    if (codec.quantizer != Quantizer::kEden) return nullptr;
    if (SKINK_CODEC_EDEN == 0) return "this build is without eden (SKINK_CODEC_EDEN)";
    if (name.peek() < '1' || name.peek() > '4') return "eden takes 1, 2, 3 or 4 bits";
    codec.bits = static_cast<uint8_t>(name.peek() - '0');
    codec.grouping = Grouping::kBlock;
    name.skip();
    return nullptr;
  }
  return kAllowed;
}

const char* take_options(NameReader& name, Codec& codec) noexcept {
  const bool rounds = has_levels(codec.quantizer);
  if (name.take(":block")) {
    if (codec.selects()) return "after topk there is one scale, no :block";
    if (!rounds && codec.quantizer != Quantizer::kSign) return ":block goes with int8, int4, ternary and sign";
    codec.grouping = Grouping::kBlock;
  }
  if (name.take(":nearest")) {
    if (!rounds) return ":nearest goes with int8, int4 and ternary";
    if (codec.selects() && codec.quantizer == Quantizer::kTernary) return "after topk ternary is not rounded";
    codec.rounding = Rounding::kNearest;
  }
  return nullptr;
}

const char* take_stages(NameReader& name, Codec& codec) noexcept {
  if (name.take("topk:")) {
    if (SKINK_CODEC_TOPK == 0) return "this build is without topk (SKINK_CODEC_TOPK)";
    codec.top_ppm = take_fraction(name);
    if (codec.top_ppm == 0) return "a fraction from 0.000001 to 1 stands after topk:, without zeros at its end";
    if (!name.take("+")) return "a quantizer follows, as in topk:0.01+ternary";
  }
  const char* problem = take_quantizer(name, codec);
  if (problem == nullptr) problem = take_options(name, codec);
  if (problem != nullptr) return problem;
  if (codec.selects() && (codec.quantizer == Quantizer::kSign || codec.is_eden())) {
    return "topk goes with float32, int8, int4 and ternary";
  }
  if (name.take("+range")) {
    if (!has_levels(codec.quantizer)) return "range goes with int8, int4 and ternary";
    codec.range = true;
  }
  if (name.take("+ef")) {
    if (!codec.selects() && codec.quantizer == Quantizer::kFloat32) return "float32 leaves nothing for error feedback";
    codec.error_feedback = true;
  }
  return name.at_end() ? nullptr : kAllowed;
}

// Bits are counted in 64: those of the largest network's change do not fit 32.
uint64_t rice_bits_at_most(size_t trainable, uint32_t survivors) noexcept {
  const uint32_t parameter = rice_parameter(trainable, survivors);
  return uint64_t{survivors} * (parameter + 1) + (trainable >> parameter);
}

}  // namespace

bool parse(const char* name, Codec& codec, NameError& error) noexcept {
  NameReader reader(name);
  Codec parsed;
  const char* problem = take_stages(reader, parsed);
  if (problem == nullptr && reader.length() > kMaxNameBytes) problem = "a codec's name has at most 39 bytes";
  if (problem != nullptr) {
    error = {reader.position(), problem};
    return false;
  }
  codec = parsed;
  return true;
}

bool parse(const char* name, Codec& codec) noexcept {
  NameError error;
  return parse(name, codec, error);
}

uint32_t survivor_count(const Codec& codec, size_t trainable) noexcept {
  const uint64_t count = (uint64_t{trainable} * codec.top_ppm + kAllPpm / 2) / kAllPpm;
  return count == 0 ? 1 : static_cast<uint32_t>(count);
}

bool has_fixed_length(const Codec& codec) noexcept { return !codec.selects() && !codec.range; }

size_t encoded_bytes(const Codec& codec, const nn::Network& network) noexcept {
  const size_t trainable = network.trainable_count();
  if (codec.selects()) {
    constexpr size_t kHeader = 1 + 5 + 2;  // mode, count, scale
    const uint32_t survivors = survivor_count(codec, trainable);
    const uint64_t rice = rice_bits_at_most(trainable, survivors);
    const uint64_t positions = rice < trainable ? rice : trainable;
    return kHeader + packed_bytes(positions, survivors, codec.quantizer) + 2;
  }
  size_t bytes = codec.range ? 1 : 0;
  for (SegmentWalker walker(codec, network); !walker.at_end(); walker.next()) {
    bytes += segment_bytes(codec, walker.current());
  }
  return bytes;
}

size_t state_bytes(const Codec& codec, const nn::Network& network) noexcept {
  return has_fixed_length(codec) ? 0 : (encoded_bytes(codec, network) + 3) / 4 * 4;
}

size_t patch_bytes(const Codec& codec, const nn::Network& network) noexcept {
  constexpr size_t kLeastPiece = 64;
  const size_t longest = (encoded_bytes(codec, network) + 3) / 4 * 4;
  return longest < kLeastPiece ? kLeastPiece : longest;
}

size_t residual_bytes(const Codec& codec, const nn::Network& network) noexcept {
  return codec.error_feedback ? 4 * network.trainable_count() : 0;
}

}  // namespace skink::codec
