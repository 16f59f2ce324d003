#include "skink/edge/internal/personal_weights.hpp"

#include <string.h>

#if SKINK_EDGE_PERSONAL

namespace skink::edge::internal {

PersonalWeights::PersonalWeights(const VectorStore& store) noexcept : store_(store) {
  if (store_.capacity == 0 || !store_.find(store_.context, kept_) || kept_.numbers > store_.capacity) kept_ = {};
}

bool PersonalWeights::is_of(const model::ModelInfo& model) const noexcept {
  return is_kept() && kept_.owner == crypto::prefix_of(model.digest) &&
         kept_.numbers == model.model.network.parameter_count();
}

AdaptSettings PersonalWeights::settings() const noexcept {
  AdaptSettings settings;
  const auto rate = static_cast<uint32_t>(kept_.settings);
  memcpy(&settings.inner_learning_rate, &rate, sizeof rate);
  settings.passes = static_cast<uint32_t>(kept_.settings >> 32);
  settings.batch_size = kept_.version;
  return settings;
}

void PersonalWeights::begin(const model::ModelInfo& model, const AdaptSettings& settings) noexcept {
  stop();
  const size_t numbers = model.model.network.parameter_count();
  if (numbers > store_.capacity) return;
  uint32_t rate = 0;
  memcpy(&rate, &settings.inner_learning_rate, sizeof rate);
  coming_ = {crypto::prefix_of(model.digest), rate | uint64_t{settings.passes} << 32, settings.batch_size,
             static_cast<uint32_t>(numbers)};
  is_begun_ = false;
  written_ = 0;
}

Status PersonalWeights::keep(Span<const float> weights) noexcept {
  Status status = Status::kOk;
  if (!is_begun_) {
    is_begun_ = true;
    status = store_.begin(store_.context, coming_.numbers);
  } else if (written_ < coming_.numbers) {
    const uint32_t left = coming_.numbers - written_;
    const uint32_t count = left < kPieceNumbers ? left : kPieceNumbers;
    status = store_.write(store_.context, written_, weights.subspan(written_, count));
    written_ += count;
  } else {
    status = store_.commit(store_.context, coming_);
    if (status == Status::kOk) kept_ = coming_;
    stop();
  }
  if (status != Status::kOk) stop();
  return status;
}

}  // namespace skink::edge::internal

#endif
