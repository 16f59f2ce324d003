#include "skink/rounds/meta_model.hpp"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <stdexcept>

#include "skink/common/little_endian.hpp"
#include "skink/common/nn/training.hpp"

namespace skink::rounds {
namespace {

/// Before anything is known: no change is longer than the model itself.
double first_norm(const std::vector<float>& parameters, double clip_factor) {
  if (clip_factor == 0) return 0;
  return std::sqrt(add_squares(0, {parameters.data(), parameters.size()})) / clip_factor;
}

}  // namespace

MetaModel::MetaModel(const Experiment& experiment)
    : model_(experiment.model),
      scopes_(scoped_networks(experiment)),
      parameters_(initial_parameters(experiment)),
      strategy_(make_strategy(experiment.meta)),
      state_(strategy_->initial_state(scopes_.sent)),
      clip_norm_(experiment.meta.clip_norm),
      clip_factor_(experiment.meta.clip_factor),
      running_norm_(first_norm(parameters_, clip_factor_)),
      downlink_(experiment.downlink, scopes_.sent, experiment.seed) {}

Clip MetaModel::clip() const {
  if (clip_factor_ == 0) return {clip_norm_, 0, 0};
  const double bound = clip_factor_ * running_norm_.value();
  return {clip_norm_ == 0 ? bound : std::min(bound, clip_norm_), running_norm_.value(), 2 * bound};
}

std::vector<std::uint8_t> MetaModel::strategy_state() const {
  std::vector<std::uint8_t> bytes = strategy_->save(state_);
  if (clip_factor_ == 0) return bytes;
  std::uint64_t bits = 0;
  const double norm = running_norm_.value();
  std::memcpy(&bits, &norm, sizeof bits);
  bytes.resize(bytes.size() + sizeof bits);
  store_u64(bytes.data() + bytes.size() - sizeof bits, bits);
  return bytes;
}

bool MetaModel::take_strategy_state(const std::vector<std::uint8_t>& bytes) {
  if (clip_factor_ == 0) return strategy_->restore({bytes.data(), bytes.size()}, state_);
  if (bytes.size() < sizeof(std::uint64_t)) return false;
  const std::size_t rest = bytes.size() - sizeof(std::uint64_t);
  const std::uint64_t bits = load_u64(bytes.data() + rest);
  double norm = 0;
  std::memcpy(&norm, &bits, sizeof norm);
  return strategy_->restore({bytes.data(), rest}, state_) && running_norm_.restore(norm);
}

std::vector<std::uint8_t> MetaModel::step(std::uint32_t round, Span<const std::int64_t> sums,
                                          std::uint32_t total_weight) {
  if (total_weight == 0) return {};
  const std::vector<float> before = downlink_.is_compressed() ? parameters_ : std::vector<float>();
  const RoundSum sum{strategy_->meta_learning_rate(round), sums, total_weight};
  strategy_->step(scopes_.sent, sum, state_, {parameters_.data(), parameters_.size()});
  std::vector<std::uint8_t> patch;
  if (downlink_.is_compressed()) patch = downlink_.pass(round, before, parameters_);
  if (!nn::all_finite({parameters_.data(), parameters_.size()})) {
    throw std::runtime_error("the meta-parameters are not finite");
  }
  return patch;
}

void MetaModel::encode() {
  file_.resize(model::model_bytes(model()));
  const Status status =
      model::encode(model(), {parameters_.data(), parameters_.size()}, {file_.data(), file_.size()}, digest_);
  if (status != Status::kOk) throw std::runtime_error("the meta-parameters are not finite");
}

std::string MetaModel::digest_text() const {
  char hex[2 * crypto::kDigestBytes + 1];
  crypto::to_hex(digest_, hex);
  return hex;
}

Status MetaModel::take(Bytes file) {
  const model::ByteSource source = model::source_of(file);
  model::ModelInfo info;
  const Status status = model::inspect(source, info);
  if (status != Status::kOk) return status;
  if (info.model.network.parameter_count() != parameters_.size()) return Status::kInvalidArgument;
  return model::read_parameters(source, info, 0, {parameters_.data(), parameters_.size()});
}

}  // namespace skink::rounds
