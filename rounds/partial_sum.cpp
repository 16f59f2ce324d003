#include "skink/rounds/partial_sum.hpp"

#include <cmath>

#include "fixed_point_kernels.hpp"
#include "skink/common/arithmetic/fixed_point.hpp"
#include "skink/rounds/clipping.hpp"

namespace skink::rounds {
namespace {

/// Of the first number that cannot be added.
wire::Refusal refusal_of(Span<const float> numbers) {
  for (const float number : numbers) {
    if (!arithmetic::is_finite(number)) return wire::Refusal::kNotFinite;
    if (!arithmetic::is_aggregatable(number)) return wire::Refusal::kTooLarge;
  }
  return wire::Refusal::kNone;
}

/// What the decoder's pieces go through until one cannot be added.
class Sink {
 public:
  /// Why not; a decoder goes on, as the rest may be damaged.
  wire::Refusal refusal() const { return refusal_; }

 protected:
  bool is_open() const { return refusal_ == wire::Refusal::kNone; }
  void refuse(Span<const float> numbers) noexcept { refusal_ = refusal_of(numbers); }

 private:
  wire::Refusal refusal_ = wire::Refusal::kNone;
};

class Survey : public Sink {
 public:
  explicit Survey(bool measures) : measures_(measures) {}
  double squares() const { return squares_; }
  void put(std::uint32_t /*first*/, Span<const float> numbers) noexcept {
    if (!is_open()) return;
    if (!are_aggregatable(numbers)) return refuse(numbers);
    if (measures_) squares_ = add_squares(squares_, numbers);
  }

 private:
  bool measures_;
  double squares_ = 0;
};

class Adder : public Sink {
 public:
  Adder(std::int64_t* sums, float factor, std::uint32_t weight) : sums_(sums), factor_(factor), weight_(weight) {}
  std::size_t pieces() const { return pieces_; }
  void put(std::uint32_t first, Span<const float> numbers) noexcept {
    if (!is_open()) return;
    if (!add_fixed_point(numbers, factor_, weight_, sums_ + first)) return refuse(numbers);
    ++pieces_;
  }

 private:
  std::int64_t* sums_;
  float factor_;
  std::uint32_t weight_;
  std::size_t pieces_ = 0;
};

/// Takes the first pieces that an adder added back: sums of integers are exact.
class Remover {
 public:
  Remover(std::int64_t* sums, float factor, std::uint32_t weight, std::size_t pieces)
      : sums_(sums), factor_(factor), weight_(weight), left_(pieces) {}
  void put(std::uint32_t first, Span<const float> numbers) noexcept {
    if (left_ == 0) return;
    remove_fixed_point(numbers, factor_, weight_, sums_ + first);
    --left_;
  }

 private:
  std::int64_t* sums_;
  float factor_;
  std::uint32_t weight_;
  std::size_t left_;
};

template <class To>
Status decode_to(const codec::Codec& codec, const nn::Network& network, const EncodedChange& change, To& to) {
  const codec::ChangeSink sink{&to, [](void* context, std::uint32_t first, Span<const float> numbers) noexcept {
                                 static_cast<To*>(context)->put(first, numbers);
                               }};
  return codec::decode(codec, network, change.key, change.bytes, sink);
}

template <class To>
wire::Refusal pass(const codec::Codec& codec, const nn::Network& network, const EncodedChange& change, To& to) {
  return decode_to(codec, network, change, to) == Status::kOk ? to.refusal() : wire::Refusal::kMalformed;
}

}  // namespace

wire::Refusal check(const codec::Codec& codec, const nn::Network& network, const EncodedChange& change) {
  Survey survey(false);
  return pass(codec, network, change, survey);
}

wire::Refusal PartialSum::add(const codec::Codec& codec, const nn::Network& network, const Clip& clip,
                              const EncodedChange& change, double& norm) {
  if (is_empty_) sums_.assign(network.parameter_count(), 0);  // by the thread that will use it
  is_empty_ = false;
  float factor = 1.0F;
  norm = 0;
  if (clip.bound > 0) {
    Survey survey(true);
    const wire::Refusal refusal = pass(codec, network, change, survey);
    if (refusal != wire::Refusal::kNone) return refusal;
    factor = clipping_factor(survey.squares(), clip.bound);
    norm = std::sqrt(survey.squares());
    if (clip.most > 0 && norm > clip.most) {
      ++longer_;
      return wire::Refusal::kNone;
    }
  }
  Adder adder(sums_.data(), factor, change.weight);
  const wire::Refusal refusal = pass(codec, network, change, adder);
  if (refusal != wire::Refusal::kNone && adder.pieces() > 0) {
    Remover remover(sums_.data(), factor, change.weight, adder.pieces());
    (void)decode_to(codec, network, change, remover);
  }
  longer_ += static_cast<std::uint32_t>(refusal == wire::Refusal::kNone && clip.usual > 0 && norm > clip.usual);
  return refusal;
}

}  // namespace skink::rounds
