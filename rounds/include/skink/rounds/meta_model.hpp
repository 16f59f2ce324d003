#pragma once
/// @file
/// The meta-parameters phi of a run: how they begin, how a round moves them, and the model file that devices get. The
/// coordinator and the simulator's learning engine hold one each, so that both step alike. docs/arithmetic.md, section
/// 8; docs/codec.md, section 9; docs/model-file.md.

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "skink/common/crypto/crypto.hpp"
#include "skink/common/model/model_file.hpp"
#include "skink/common/span.hpp"
#include "skink/host/experiment/experiment.hpp"
#include "skink/host/experiment/model_match.hpp"
#include "skink/host/experiment/scope.hpp"
#include "skink/rounds/clipping.hpp"
#include "skink/rounds/downlink.hpp"
#include "skink/rounds/strategy.hpp"

namespace skink::rounds {

/// phi, with the network it belongs to. Not thread-safe.
class MetaModel {
 public:
  /// phi is the experiment's initialization. encode() has not been called yet.
  /// @throws std::runtime_error when the experiment's downlink codec is unknown, or the model that it begins with has
  /// not
  ///         been found.
  explicit MetaModel(const Experiment& experiment);
  MetaModel(const MetaModel&) = delete;
  MetaModel& operator=(const MetaModel&) = delete;

  /// The network; with the input normalisation, what a model file says beside the parameters.
  const nn::Network& network() const { return model_.get().network; }
  const model::Model& model() const { return model_.get(); }
  /// The same, narrowed to the scopes of the experiment's tasks.
  const ScopedNetworks& scopes() const { return scopes_; }
  /// [P] float32.
  const std::vector<float>& parameters() const { return parameters_; }
  float* data() { return parameters_.data(); }
  const Downlink& downlink() const { return downlink_; }

  /// The experiment's strategy: how devices adapt, what updates weigh, and the step below.
  const Strategy& strategy() const { return *strategy_; }

  /// How the changes of the next round are clipped.
  Clip clip() const;
  /// Before step(): of the changes that the round took, how many were longer than clip().usual.
  void follow_norms(std::uint32_t updates, std::uint32_t longer) { running_norm_.follow(updates, longer); }

  /// The outer step of a round, as the strategy makes it, then through the compressed downlink if there is one. Nothing
  /// changes when `total_weight` is 0, not even what the strategy keeps.
  ///
  /// @param[in] round         0-based
  /// @param[in] sums          [P], weighted sum of the round's changes in units of 2^-36
  /// @param[in] total_weight  of these changes; below 2^20
  /// @returns the encoded step of a compressed downlink; empty without one, or when nothing changed.
  /// @throws std::runtime_error when a parameter is not finite afterwards.
  std::vector<std::uint8_t> step(std::uint32_t round, Span<const std::int64_t> sums, std::uint32_t total_weight);

  /// Makes file() and digest() those of the present phi.
  /// @throws std::runtime_error when a parameter is not finite.
  void encode();
  /// The .skm file as of the last encode().
  const std::vector<std::uint8_t>& file() const { return file_; }
  const crypto::Digest& digest() const { return digest_; }
  /// The digest as 64 hexadecimal digits.
  std::string digest_text() const;

  /// Takes phi from a model file; does not encode().
  /// @returns kOk; kInvalidArgument when it has another number of parameters; what model::inspect() returns for a
  /// damaged one.
  Status take(Bytes file);
  /// Error feedback of the downlink, [Downlink::residual().size()]. @returns false when it has another length.
  bool take_residual(const std::vector<float>& residual) { return downlink_.restore(residual); }
  /// What is kept between rounds: the strategy's, as it saves it, and with `clip_factor` the running norm. Empty for
  /// most. take: @returns false when it is another's.
  std::vector<std::uint8_t> strategy_state() const;
  bool take_strategy_state(const std::vector<std::uint8_t>& bytes);

 private:
  ExperimentModel model_;
  ScopedNetworks scopes_;
  std::vector<float> parameters_;
  std::unique_ptr<Strategy> strategy_;
  StrategyState state_;
  double clip_norm_;
  double clip_factor_;
  RunningNorm running_norm_;
  Downlink downlink_;
  std::vector<std::uint8_t> file_;
  crypto::Digest digest_;
};

}  // namespace skink::rounds
