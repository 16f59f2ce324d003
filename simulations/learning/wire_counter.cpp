#include "wire_counter.hpp"

#include <algorithm>

#include "skink/host/experiment/scope.hpp"

namespace skink::simulations {

WireCounter::WireCounter(const Experiment& experiment)
    : typical_(device_round_of(experiment)),
      patches_models_(experiment.downlink != kWholeModel),
      patches_(rounds::chain_head_bytes(experiment.downlink, scoped_networks(experiment).sent.frozen()),
               typical_.model_bytes) {
  state_.models.assign(experiment.fleet.devices, 0);
}

/// Bytes of the patches that bring a device the model of this round; 0: it fetches the whole.
std::uint32_t WireCounter::chain_for(std::uint32_t device) const {
  const std::uint32_t model = state_.models[device];
  if (!patches_models_ || model == 0) return 0;
  return static_cast<std::uint32_t>(patches_.chain_bytes(model - 1));  // it has the model before that round's step
}

const WireBytes& WireCounter::cost(std::uint32_t chain_bytes, std::uint32_t encoded_bytes) {
  const std::uint64_t key = std::uint64_t{chain_bytes} << 32 | encoded_bytes;
  const auto found = known_.find(key);
  if (found != known_.end()) return found->second;
  DeviceRound round = typical_;
  if (chain_bytes != 0) round.fetches.clear();
  round.patch_bytes = chain_bytes;
  round.encoded_bytes = std::max(1U, encoded_bytes);
  return known_.emplace(key, device_round_cost(round).total()).first->second;
}

void WireCounter::count_round(const std::vector<std::uint32_t>& devices,
                              const std::vector<std::uint32_t>& encoded_bytes) {
  WireTotals& totals = state_.totals;
  for (std::size_t slot = 0; slot < devices.size(); ++slot) {
    const WireBytes& bytes = cost(chain_for(devices[slot]), encoded_bytes[slot]);
    totals.encoded_bytes += encoded_bytes[slot];
    totals.up_bytes += bytes.up;
    totals.down_bytes += bytes.down;
    state_.models[devices[slot]] = totals.rounds + 1;
  }
  totals.device_rounds += devices.size();
  ++totals.rounds;
}

void WireCounter::add_patch(std::uint32_t bytes) { patches_.add(state_.totals.rounds - 1, bytes); }

WireCounter::State WireCounter::state() const {
  State state = state_;
  state.patches.assign(patches_.lengths().begin(), patches_.lengths().end());
  return state;
}

bool WireCounter::restore(const State& state) {
  const std::uint32_t rounds = state.totals.rounds;
  const auto is_known = [rounds](std::uint32_t model) { return model <= rounds; };
  if (state.models.size() != state_.models.size() || state.patches.size() > rounds ||
      !std::all_of(state.models.begin(), state.models.end(), is_known)) {
    return false;
  }
  auto round = static_cast<std::uint32_t>(rounds - state.patches.size());
  for (const std::uint32_t bytes : state.patches) patches_.add(round++, bytes);
  state_ = state;
  state_.patches.clear();
  return true;
}

}  // namespace skink::simulations
