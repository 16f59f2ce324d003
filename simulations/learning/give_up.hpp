#pragma once
/// @file
/// Ctrl-C within a round: whoever computes asks often whether the work in hand is to be given up. What is given up
/// leaves nothing behind.

#include <atomic>
#include <cstdint>
#include <functional>
#include <utility>

namespace skink::simulations {

class GiveUp {
 public:
  /// @param[in] ask  called on any thread; empty: nothing is ever given up.
  explicit GiveUp(std::function<bool()> ask) : ask_(std::move(ask)) {}

  /// Once it is so, it stays so: all that ask later agree. Any thread.
  bool is_wanted() const {
    if (was_wanted()) return true;
    if (!ask_ || !ask_()) return false;
    wanted_.store(true, std::memory_order_relaxed);
    return true;
  }
  /// Has anybody been told so?
  bool was_wanted() const { return wanted_.load(std::memory_order_relaxed); }
  bool can_be_wanted() const { return static_cast<bool>(ask_); }

 private:
  std::function<bool()> ask_;
  mutable std::atomic<bool> wanted_{false};
};

}  // namespace skink::simulations
