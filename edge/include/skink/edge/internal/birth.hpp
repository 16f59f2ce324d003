#pragma once
/// @file
/// What a connection begins with: the subscriptions to the control topics, and the birth message, which also answers
/// challenges (docs/protocol.md, section 3, steps 1 and 2). Owns what of it is due.

#include "skink/common/wire/messages.hpp"
#include "skink/edge/client_actions.hpp"
#include "skink/edge/client_config.hpp"

namespace skink::edge::internal {

/// Subscriptions and births of one connection.
class Birth {
 public:
  /// What it hears of.
  enum class Topics : uint8_t {
    kTasks,             ///< tasks, replies and patches
    kTasksAndReleases,  ///< releases too
  };

  /// `firmware` and `health` (null: not known) are borrowed for the object's life.
  Birth(const char* firmware, const Health* health, Topics topics) noexcept;

  /// A clean session: everything is due, and no challenge is known.
  void on_connected() noexcept;
  /// A birth with this number is due; so are later ones of this connection to carry it.
  void on_challenge(uint64_t challenge) noexcept;

  /// What a birth says has changed: another one is due, with the challenge of the last.
  void on_change() noexcept { is_due_ = true; }

  /// Samples came or went. A birth is due when a class has its first, or twice as many, or half as many, as when the
  /// last one was due for that: each new sample alone is not worth a message.
  void on_samples(const SampleSource& samples) noexcept;

  /// Is something of it still to be sent?
  bool is_due() const noexcept {
    return is_due_ || next_topic_ < (topics_ == Topics::kTasks ? kTopicCount - 1 : kTopicCount);
  }

  /// The next subscription. False: none is due.
  bool next_subscription(Action& action) noexcept;
  /// The birth, if one is due, also as the battery has become low or is that no more: all but `arena_bytes`, `model`
  /// and what it says of samples and releases. False: none is, `state` is unchanged.
  bool next(wire::State& state) noexcept;

 private:
  void look_at_battery() noexcept;

  static constexpr uint8_t kTopicCount = 4;

  const char* firmware_;
  const Health* health_;
  const Topics topics_;
  uint64_t challenge_ = 0;
  uint8_t next_topic_ = 0;  ///< to subscribe to: task, reply, patch and release, in this order
  bool is_due_ = false;
  bool is_battery_low_ = false;
  uint32_t sample_levels_ = 0;  ///< a checksum over how many binary digits the number of each class has
};

/// What a birth says of samples.
void describe(const SampleSource& samples, wire::State& state) noexcept;

}  // namespace skink::edge::internal
