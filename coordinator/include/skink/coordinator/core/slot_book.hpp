#pragma once
/// @file
/// The slots of the open round or evaluation: one for each place in the cohort, or for each held-out device. Who has
/// it, until when, and what has come of it. No messages and no decisions about devices: those are RoundDriver's.

#include <cstdint>
#include <optional>
#include <vector>

#include "skink/coordinator/core/transcript.hpp"
#include "skink/coordinator/core/update_assembly.hpp"
#include "skink/host/experiment/experiment.hpp"
#include "skink/rounds/cohort.hpp"
#include "skink/rounds/records.hpp"

namespace skink::coordinator {

/// One place in a cohort, or one held-out device of an evaluation.
struct Slot {
  static constexpr std::uint64_t kNever = ~std::uint64_t{0};

  std::uint32_t device_index = 0;
  std::uint32_t attempt = 0;
  std::uint32_t first_task = 0;  ///< of an evaluation
  std::uint32_t task_count = 0;
  std::uint32_t task_step = 0;
  bool open = false;
  bool orphaned = false;            ///< of an evaluation: its device has failed, and another may compute its tasks
  bool waits = false;               ///< its change is complete and waits to be decoded (UpdateIntake)
  bool taken = false;               ///< its update is in the sum
  bool forgot = false;              ///< error feedback: its device begins with zeros
  std::uint32_t known_samples = 0;  ///< a replay: what the stored transcript says of its support samples; 0: nothing
  std::uint32_t sends = 0;          ///< how often its task was published
  std::uint64_t deadline_ms = 0;
  std::uint64_t resend_ms = 0;
  std::uint64_t offline_ms = kNever;  ///< when to give an offline device up
  UpdateAssembly assembly;
};

/// The slots that are open, or were since the last opening.
class SlotBook {
 public:
  /// Borrows the experiment.
  explicit SlotBook(const Experiment& experiment) : experiment_(&experiment) {}

  /// Nothing is open any more.
  void clear() { slots_.clear(); }
  /// The cohort of a round. The slots have no deadline yet.
  /// @param[in] training  roster indices; borrowed until the next open.
  void open_round(std::uint32_t round, const std::vector<std::uint32_t>& training);
  /// Shares the tasks of an evaluation out among the held-out devices; those without any have no open slot.
  void open_evaluation(std::uint32_t rounds_done, const std::vector<std::uint32_t>& held_out, std::uint64_t now_ms);
  /// What a stored transcript says of the open round, when a run is continued or replayed. Counts into `record`.
  void apply(const TranscriptEvent& event, rounds::RoundRecord& record);

  /// The slots, in the order of the cohort or of the held-out devices; references hold until the next open or clear.
  bool is_empty() const { return slots_.empty(); }
  std::vector<Slot>::iterator begin() { return slots_.begin(); }
  std::vector<Slot>::iterator end() { return slots_.end(); }
  Slot& operator[](std::uint32_t number) { return slots_[number]; }
  std::uint32_t number_of(const Slot& slot) const { return static_cast<std::uint32_t>(&slot - slots_.data()); }
  /// Null: it has none.
  Slot* open_slot_of(std::uint32_t device_index);
  std::uint32_t open_count() const;
  std::uint32_t taken_count() const;
  /// Is something open, and everything that is open waits to be decoded?
  bool all_wait() const;

  /// The next device of the round's order that had no slot yet; none: all had one.
  std::optional<std::uint32_t> next_device();
  /// The device at a place of the round's order, from the beginning.
  std::uint32_t device_at(std::uint32_t position) const;
  std::uint32_t positions() const { return static_cast<std::uint32_t>(training_->size()); }
  /// Its device has a whole deadline from now on, and begins from the first chunk.
  void renew(Slot& slot, std::uint64_t now_ms) const;
  /// A task that was lost is sent again, soon at first; a device that is heard has not lost it.
  void put_off_resend(Slot& slot, std::uint64_t now_ms) const;
  /// When time alone changes something; Slot::kNever: never.
  std::uint64_t wake_ms() const;

 private:
  std::uint64_t resend_wait(std::uint32_t sends) const;

  const Experiment* experiment_;
  std::vector<Slot> slots_;
  const std::vector<std::uint32_t>* training_ = nullptr;
  std::uint32_t round_ = 0;
  std::uint32_t next_position_ = 0;
};

}  // namespace skink::coordinator
