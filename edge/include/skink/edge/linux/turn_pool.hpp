#pragma once
/// @file
/// A few threads that give turns to many clients. A client has at most one turn at a time, however often it is asked
/// for.

#include <condition_variable>
#include <cstdint>
#include <deque>
#include <functional>
#include <mutex>
#include <thread>
#include <vector>

#include "skink/edge/linux/hosted_client.hpp"

namespace skink::edge {

/// The threads, and which client wants a turn. All functions may be called by any thread unless they say otherwise.
class TurnPool {
 public:
  /// Gives client number `client` a turn; never two of one client at a time.
  using TakeTurn = std::function<TurnResult(std::size_t client)>;

  /// @param[in] clients    numbers 0..clients - 1 may want turns
  /// @param[in] threads    at least 1; fewer start where the system refuses them, and none is fine: see help().
  /// @param[in] take_turn  called by any of the threads.
  /// @param[in] unsound    called by a thread whose floating point is not sound, before it ends.
  TurnPool(std::size_t clients, unsigned threads, TakeTurn take_turn, std::function<void()> unsound);
  /// Turns that run are finished, those that wait are not begun.
  ~TurnPool();
  TurnPool(const TurnPool&) = delete;
  TurnPool& operator=(const TurnPool&) = delete;

  /// The client gets a turn that begins after this call.
  void want_turn(std::size_t client);
  /// The same for all clients whose time has come.
  /// @returns when to call again; Client::kNever when nothing is to come.
  std::uint64_t want_turns_due(std::uint64_t now_ms);
  /// Takes the turns that wait, in the calling thread, if the system gave no other. To be called often by one thread,
  /// whose floating point is sound.
  void help();

 private:
  enum class State : std::uint8_t { kIdle, kQueued, kRunning, kRunningAndWanted };

  void run();
  void give_turn(std::unique_lock<std::mutex>& lock);  // to the first in the queue; locked before and after
  void queue(std::size_t client);                      // with mutex_ held

  const TakeTurn take_turn_;
  const std::function<void()> unsound_;
  std::mutex mutex_;  ///< guards everything down to stopped_; no turn is taken while it is held
  std::condition_variable changed_;
  std::vector<State> states_;
  std::vector<std::uint64_t> wake_ms_;
  std::deque<std::size_t> queue_;
  bool stopped_ = false;
  std::vector<std::thread> threads_;
};

}  // namespace skink::edge
