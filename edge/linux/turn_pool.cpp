#include "skink/edge/linux/turn_pool.hpp"

#include <algorithm>
#include <utility>

#include "skink/host/program/float_environment.hpp"
#include "skink/host/program/threads.hpp"

namespace skink::edge {

TurnPool::TurnPool(std::size_t clients, unsigned threads, TakeTurn take_turn, std::function<void()> unsound)
    : take_turn_(std::move(take_turn)),
      unsound_(std::move(unsound)),
      states_(clients, State::kIdle),
      wake_ms_(clients, Client::kNever) {
  start_threads(threads_, threads, [this](std::size_t /*number*/) { run(); });
}

TurnPool::~TurnPool() {
  {
    const std::lock_guard lock(mutex_);
    stopped_ = true;
  }
  changed_.notify_all();
  for (std::thread& thread : threads_) thread.join();
}

void TurnPool::want_turn(std::size_t client) {
  const std::lock_guard lock(mutex_);
  if (states_[client] == State::kIdle) queue(client);
  if (states_[client] == State::kRunning) states_[client] = State::kRunningAndWanted;
}

std::uint64_t TurnPool::want_turns_due(std::uint64_t now_ms) {
  const std::lock_guard lock(mutex_);
  std::uint64_t next = Client::kNever;
  for (std::size_t client = 0; client < states_.size(); ++client) {
    if (states_[client] != State::kIdle) continue;
    if (wake_ms_[client] <= now_ms) {
      queue(client);
    } else {
      next = std::min(next, wake_ms_[client]);
    }
  }
  return next;
}

void TurnPool::queue(std::size_t client) {
  states_[client] = State::kQueued;
  queue_.push_back(client);
  changed_.notify_one();
}

void TurnPool::run() {
  if (prepare_thread_arithmetic() != arithmetic::Canary::kSound) {
    unsound_();
    return;
  }
  std::unique_lock lock(mutex_);
  for (;;) {
    changed_.wait(lock, [this] { return stopped_ || !queue_.empty(); });
    if (stopped_) return;
    give_turn(lock);
  }
}

void TurnPool::give_turn(std::unique_lock<std::mutex>& lock) {
  const std::size_t client = queue_.front();
  queue_.pop_front();
  states_[client] = State::kRunning;
  lock.unlock();
  const TurnResult result = take_turn_(client);
  lock.lock();
  wake_ms_[client] = result.wake_ms;
  const bool again = result.has_more || states_[client] == State::kRunningAndWanted;
  states_[client] = State::kIdle;
  if (again) queue(client);
}

void TurnPool::help() {
  if (!threads_.empty()) return;
  std::unique_lock lock(mutex_);
  for (std::size_t turns = queue_.size(); turns > 0; --turns) give_turn(lock);
}

}  // namespace skink::edge
