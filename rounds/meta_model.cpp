#include "skink/rounds/meta_model.hpp"

#include <stdexcept>

#include "skink/common/nn/training.hpp"

namespace skink::rounds {

MetaModel::MetaModel(const Experiment& experiment)
    : model_(experiment.model),
      parameters_(initial_parameters(experiment)),
      strategy_(make_strategy(experiment.meta)),
      state_(strategy_->initial_state(network())),
      downlink_(experiment.downlink, network(), experiment.seed) {}

std::vector<std::uint8_t> MetaModel::step(std::uint32_t round, Span<const std::int64_t> sums,
                                          std::uint32_t total_weight) {
  if (total_weight == 0) return {};
  const std::vector<float> before = downlink_.is_compressed() ? parameters_ : std::vector<float>();
  const RoundSum sum{strategy_->meta_learning_rate(round), sums, total_weight};
  strategy_->step(network(), sum, state_, {parameters_.data(), parameters_.size()});
  std::vector<std::uint8_t> patch;
  if (downlink_.is_compressed()) patch = downlink_.pass(round, before, parameters_);
  if (!nn::all_finite({parameters_.data(), parameters_.size()})) {
    throw std::runtime_error("the meta-parameters are not finite");
  }
  return patch;
}

void MetaModel::encode() {
  file_.resize(model::model_bytes(network(), model().input.count));
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
