#pragma once
/// @file
/// The records of a run's rounds, run-length encoded: rounds that follow one another and are alike cost one entry. An
/// undisturbed run of 10^9 rounds fits in a few; a run where every round differs costs what a vector would.

#include <cstddef>
#include <cstdint>
#include <memory>
#include <vector>

#include "skink/host/experiment/experiment.hpp"
#include "skink/rounds/records.hpp"
#include "skink/rounds/strategy.hpp"

namespace skink::rounds {

/// The rounds of one run, in order. Copies are cheap where rounds are alike.
class RoundHistory {
 public:
  /// Rounds that follow one another and have the same counts, no hash, no duration and no bytes.
  struct Stretch {
    RoundRecord first;
    std::uint32_t count = 0;
  };

  RoundHistory() = default;
  /// @param[in] meta  tells the meta learning rate of a round.
  explicit RoundHistory(const MetaConfig& meta) : strategy_(make_strategy(meta)) {}

  /// The next round's; `record.round` is size().
  void add(const RoundRecord& record) { add({record, 1}); }
  /// The next rounds, all like the first of them.
  void add(Stretch stretch);

  /// How many rounds, and the entries that hold them, in order.
  std::uint32_t size() const { return size_; }
  bool empty() const { return size_ == 0; }
  const std::vector<Stretch>& stretches() const { return stretches_; }
  /// @param[in] round  below size(). Cost: logarithmic in the number of stretches.
  RoundRecord operator[](std::uint32_t round) const;
  /// Of all rounds.
  UpdateCounts counts() const;
  RoundRecord back() const { return (*this)[size_ - 1]; }
  /// Gives the last round the hash of its model.
  void set_last_hash(const std::string& model_sha256);

  /// Reads the records one after the other.
  class Reader {
   public:
    /// Borrows the history, which must not change meanwhile.
    explicit Reader(const RoundHistory& history) : history_(&history) {}
    /// @returns false at the end.
    bool next(RoundRecord& record);

   private:
    const RoundHistory* history_;
    std::size_t stretch_ = 0;
    std::uint32_t place_ = 0;
  };

 private:
  RoundRecord record_in(const Stretch& stretch, std::uint32_t place) const;

  std::shared_ptr<const Strategy> strategy_;  // null: only before anything is added
  std::vector<Stretch> stretches_;
  std::uint32_t size_ = 0;
};

}  // namespace skink::rounds
