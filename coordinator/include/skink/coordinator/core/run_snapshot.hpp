#pragma once
/// @file
/// A run as a store returns it. Plain values, written by the core and kept by a store.

#include <cstdint>
#include <string>
#include <vector>

#include "skink/coordinator/core/transcript.hpp"
#include "skink/host/config/overrides.hpp"
#include "skink/rounds/records.hpp"

namespace skink::coordinator {

/// A run as a store returns it: everything needed to go on after a crash, or to replay it.
struct RunSnapshot {
  std::uint64_t run = 0;
  std::string experiment_text;      ///< the file as it was read
  std::vector<Override> overrides;  ///< and what the command line replaced in it
  std::vector<std::string> roster;  ///< sorted; empty: not yet frozen
  std::uint32_t rounds_done = 0;
  std::vector<std::uint8_t> initial_model;  ///< .skm that the experiment's `init` names; empty: it begins at random
  std::vector<std::uint8_t> model;          ///< .skm after rounds_done rounds; empty: none is done
  std::vector<TranscriptEvent> transcript;
  std::vector<rounds::EvaluationRecord> evaluations;
  rounds::Traffic traffic;
  std::vector<rounds::Patch> patches;  ///< those that devices may still need, the last one of round rounds_done - 1
  std::vector<float> downlink_residual;
  std::vector<std::uint8_t> strategy_state;  ///< rounds::MetaModel::strategy_state()
  bool finished = false;
};

}  // namespace skink::coordinator
