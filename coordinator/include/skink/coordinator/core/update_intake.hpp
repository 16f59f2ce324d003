#pragma once
/// @file
/// Takes updates in: checks their codes, puts the chunks of changes together, and decodes and adds up those that are
/// complete, all that wait at once, on the workers that a driver lends. What becomes of a slot then is RoundDriver's.

#include <cstdint>
#include <string_view>
#include <vector>

#include "skink/common/codec/codec.hpp"
#include "skink/common/wire/messages.hpp"
#include "skink/coordinator/core/device_book.hpp"
#include "skink/coordinator/core/slot_book.hpp"
#include "skink/host/experiment/experiment.hpp"
#include "skink/rounds/aggregator.hpp"
#include "skink/rounds/strategy.hpp"

namespace skink::coordinator {

/// A message on a device's update topic. Borrows.
struct UpdateMessage {
  std::string_view device_id;
  Bytes bytes;
};

/// What such a message says, if it is authentic. Borrows the payload.
struct OpenedUpdate {
  Status status = Status::kUnavailable;  ///< wire::decode_update()'s; kUnavailable: its device is unknown or revoked
  wire::Update update;
  Bytes payload;
};

/// A complete change, but for its bytes, which stay in the slot's assembly.
struct CompleteChange {
  std::uint32_t slot = 0;
  wire::RoundId id;
  std::uint32_t support_samples = 0;
  std::uint32_t residual_round = 0;
  std::uint64_t now_ms = 0;                      ///< when its last chunk came
  double norm = 0;                               ///< once it was decoded, if changes are clipped
  wire::Refusal refusal = wire::Refusal::kNone;  ///< once it was decoded: kNone, it is in the sum
};

/// Updates of one round on their way into its sum.
class UpdateIntake {
 public:
  /// Borrows the experiment and the strategy.
  UpdateIntake(const Experiment& experiment, const nn::Network& network, const rounds::Strategy& strategy,
               rounds::Executor executor);

  /// Checks the codes of messages, on all workers. Reads what no update changes.
  std::vector<OpenedUpdate> open(Span<const UpdateMessage> messages, const DeviceBook& devices) const;

  /// The sum is empty again.
  void begin_round(const rounds::Clip& clip) { aggregator_.reset(clip); }

  /// What came of one chunk.
  enum class Taken {
    kIncomplete,  ///< others are missing
    kKnownGap,    ///< others before it are missing; its device was told and has not heard it yet
    kResend,      ///< likewise, and its device is to be told: from slot.assembly.next_chunk() on
    kRefused,     ///< the change is refused, for `reason`
    kWaits        ///< the change is complete and waits; slot.waits is set
  };
  /// @param[in,out] slot            open and not waiting
  /// @param[in]     residual_round  error feedback: what the change may have been made with, beside zeros
  /// @param[out]    reason          of kRefused: kUnknownCodec, kWrongShape, or kMalformed when the update claims more
  ///                                support samples than its task has, none, or another residual
  Taken take_chunk(Slot& slot, std::uint32_t number, const wire::Update& update, Bytes payload,
                   std::uint32_t residual_round, std::uint64_t now_ms, wire::Refusal& reason);

  /// Whether a complete change waits to be decoded.
  bool is_waiting() const { return !waiting_.empty(); }
  /// Decodes and adds all that waits. @returns them in order of arrival, as if each had come alone; their slots do not
  /// wait any more.
  std::vector<CompleteChange> decode_waiting(std::uint32_t round, SlotBook& slots);

  /// The sum of the open round.
  const rounds::Aggregator& sum() const { return aggregator_; }
  const codec::Codec& codec() const { return codec_; }

 private:
  const Experiment* experiment_;
  const rounds::Strategy* strategy_;
  rounds::Executor executor_;
  codec::Codec codec_;
  std::size_t longest_update_ = 0;
  rounds::Aggregator aggregator_;
  std::vector<CompleteChange> waiting_;  // in order of arrival
};

}  // namespace skink::coordinator
