#pragma once
/// @file
/// The sum of a round's changes in 64-bit fixed point: exact, so that neither arrival order nor threads nor ranks can
/// change it. docs/arithmetic.md, section 8.

#include <cstdint>
#include <vector>

#include "skink/common/nn/network.hpp"
#include "skink/common/span.hpp"
#include "skink/common/wire/messages.hpp"

namespace skink::coordinator {

class Aggregator {
 public:
  /// @param[in] clip_norm  that changes are clipped to (clipping.hpp); 0: they are not
  explicit Aggregator(const nn::Network& network, double clip_norm = 0);

  /// Forgets all updates.
  void reset();

  /// Adds one decoded change [P] with its weight. kNone, or why nothing was added: kNotFinite, kTooLarge (an element
  /// of 128 or more, or a total weight of 2^20).
  wire::Refusal add(Span<const float> change, std::uint32_t weight);

  std::uint32_t total_weight() const { return total_weight_; }
  std::uint32_t updates() const { return updates_; }

  /// phi += epsilon * weighted mean, on trainable parameters; nothing when no update was added.
  void step(double meta_learning_rate, Span<float> parameters) const;

 private:
  nn::Network network_;
  double clip_norm_;
  std::vector<std::int64_t> sums_;  // [P]
  std::uint32_t total_weight_ = 0;
  std::uint32_t updates_ = 0;
};

}  // namespace skink::coordinator
