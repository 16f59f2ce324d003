#pragma once
/// @file
/// What an EventQueue is made of: the events, the attempts to connect that wait for their time, and a thread that finds
/// out why an attempt failed. Knows nothing of Paho.

#include <chrono>
#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <stop_token>
#include <string>
#include <thread>
#include <vector>

#include "skink/host/mqtt/event_queue.hpp"

namespace skink::mqtt::internal {

using Clock = std::chrono::steady_clock;

/// Somebody who wants to connect at some time, and to leave at some later time.
class Dialer {
 public:
  virtual void dial() = 0;
  virtual void leave() = 0;

 protected:
  ~Dialer() = default;
};

class Exchange {
 public:
  explicit Exchange(const EventQueueOptions& options) : options_(options) {}

  const EventQueueOptions& options() const noexcept { return options_; }

  void push(Event event);
  /// Is there room for a message? If not, the queue gets the kProblem that says so.
  bool admits(std::size_t session, const std::string& topic, std::size_t payload_bytes);
  void wait(std::vector<Event>& events, std::chrono::milliseconds timeout);
  void interrupt();

  /// wait() will call dial() once, then; at most options.max_connecting dialers are between dial() and dial_finished().
  void dial_at(Clock::time_point due, std::weak_ptr<Dialer> dialer);
  void dial_finished();
  /// wait() will call leave() once, then.
  void leave_at(Clock::time_point due, std::weak_ptr<Dialer> dialer);
  /// A connection to a broker's `port` was made.
  void connected(std::uint16_t port);

  /// Runs `work` in a thread that may wait for the network. False when too much waits already.
  bool examine(std::function<void(std::stop_token)> work);
  /// Ends that thread.
  void stop();

 private:
  using Appointments = std::multimap<Clock::time_point, std::weak_ptr<Dialer>>;

  void keep_appointments(std::unique_lock<std::mutex>& lock);
  static std::shared_ptr<Dialer> take_due(Appointments& appointments);
  Clock::time_point next_appointment() const;
  void run_examinations(const std::stop_token& stop);

  const EventQueueOptions options_;
  std::mutex mutex_;  ///< guards everything below; no foreign code is called while it is held
  std::condition_variable changed_;
  std::vector<Event> events_;
  std::size_t queued_bytes_ = 0;
  bool overflow_reported_ = false;
  bool interrupted_ = false;
  bool stopped_ = false;
  Appointments dials_;
  Appointments leaves_;
  std::size_t connecting_ = 0;
  std::vector<std::uint16_t> new_ports_;  ///< brokers' ports of connections made since the last wait()
  std::condition_variable_any examinations_changed_;
  std::deque<std::function<void(std::stop_token)>> examinations_;
  std::jthread examiner_;  ///< started when first needed
};

}  // namespace skink::mqtt::internal
