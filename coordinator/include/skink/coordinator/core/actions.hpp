#pragma once
/// @file
/// What the core asks its driver to do, in an order that the driver must keep: a commit is durable before any later
/// action is carried out. So a driver can be killed at any moment and loses nothing.

#include <cstdint>
#include <string>
#include <variant>
#include <vector>

#include "skink/common/wire/topics.hpp"
#include "skink/coordinator/core/transcript.hpp"
#include "skink/rounds/records.hpp"

namespace skink::coordinator {

/// A message for the broker, with QoS 1.
struct Publish {
  wire::TopicKind topic = wire::TopicKind::kTask;
  std::string device_id;    ///< task, reply, patch
  std::uint32_t slot = 0;   ///< model
  std::uint32_t chunk = 0;  ///< model
  std::vector<std::uint8_t> payload;
  bool retain = false;
};

/// The roster is frozen: sorted ids, whose places are the device indices.
struct CommitRoster {
  std::vector<std::string> roster;
};
/// Something that a replay could not know has happened.
struct CommitEvent {
  TranscriptEvent event;
};
/// A round is over.
struct CommitRound {
  rounds::RoundRecord record;
  std::vector<std::uint8_t> model;           ///< .skm after the round
  rounds::Patch patch;                       ///< of the round; no base: there is none that is worth keeping
  std::uint32_t first_patch = 0;             ///< patches of earlier rounds are needed no more
  std::vector<float> residual;               ///< rounds::Downlink::residual()
  std::vector<std::uint8_t> strategy_state;  ///< rounds::MetaModel::strategy_state()
};
/// An evaluation is over.
struct CommitEvaluation {
  rounds::EvaluationRecord record;
};
/// The run goes on under another number: devices have seen a later one than that which it had.
struct CommitNumber {
  std::uint64_t run = 0;
};
/// The run is over: nothing comes after it.
struct CommitFinished {};

using Action =
    std::variant<Publish, CommitRoster, CommitEvent, CommitRound, CommitEvaluation, CommitNumber, CommitFinished>;

}  // namespace skink::coordinator
