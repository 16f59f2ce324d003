#include "exchange.hpp"

#include <algorithm>
#include <system_error>
#include <utility>

#include "tcp_no_delay.hpp"

namespace skink::mqtt::internal {
namespace {

constexpr std::size_t kMaxExaminations = 64;

Event problem(std::size_t session, std::string text) {
  Event event;
  event.session = session;
  event.kind = EventKind::kProblem;
  event.at = std::chrono::steady_clock::now();
  event.text = std::move(text);
  return event;
}

}  // namespace

void Exchange::push(Event event) {
  const std::lock_guard lock(mutex_);
  queued_bytes_ += event.payload.size();
  event.at = Clock::now();
  events_.push_back(std::move(event));
  changed_.notify_one();
}

bool Exchange::admits(std::size_t session, const std::string& topic, std::size_t payload_bytes) {
  const std::lock_guard lock(mutex_);
  if (payload_bytes > options_.max_message_bytes) {
    events_.push_back(problem(session, "dropped a message of " + std::to_string(payload_bytes) + " bytes on " + topic +
                                           ": the limit is " + std::to_string(options_.max_message_bytes)));
    changed_.notify_one();
    return false;
  }
  if (payload_bytes <= options_.max_queued_bytes - std::min(queued_bytes_, options_.max_queued_bytes)) return true;
  if (!overflow_reported_) {
    overflow_reported_ = true;
    events_.push_back(
        problem(session, "messages arrive faster than they are worked on: dropping some, beginning with " + topic));
    changed_.notify_one();
  }
  return false;
}

void Exchange::wait(std::vector<Event>& events, std::chrono::milliseconds timeout) {
  events.clear();
  const Clock::time_point deadline = Clock::now() + timeout;
  std::unique_lock lock(mutex_);
  for (;;) {
    keep_appointments(lock);
    if (!events_.empty() || interrupted_ || Clock::now() >= deadline) break;
    changed_.wait_until(lock, std::min(deadline, next_appointment()));
  }
  interrupted_ = false;
  overflow_reported_ = false;
  queued_bytes_ = 0;
  events.swap(events_);
  if (new_ports_.empty()) return;
  const std::vector<std::uint16_t> ports = std::exchange(new_ports_, {});
  lock.unlock();
  disable_delay(ports);
}

void Exchange::interrupt() {
  const std::lock_guard lock(mutex_);
  interrupted_ = true;
  changed_.notify_all();
}

void Exchange::dial_at(Clock::time_point due, std::weak_ptr<Dialer> dialer) {
  const std::lock_guard lock(mutex_);
  dials_.emplace(due, std::move(dialer));
  changed_.notify_one();
}

void Exchange::dial_finished() {
  const std::lock_guard lock(mutex_);
  --connecting_;
  changed_.notify_one();
}

void Exchange::leave_at(Clock::time_point due, std::weak_ptr<Dialer> dialer) {
  const std::lock_guard lock(mutex_);
  leaves_.emplace(due, std::move(dialer));
  changed_.notify_one();
}

void Exchange::connected(std::uint16_t port) {
  const std::lock_guard lock(mutex_);
  if (std::find(new_ports_.begin(), new_ports_.end(), port) == new_ports_.end()) new_ports_.push_back(port);
}

void Exchange::keep_appointments(std::unique_lock<std::mutex>& lock) {
  while (std::shared_ptr<Dialer> dialer = take_due(leaves_)) {
    lock.unlock();
    dialer->leave();
    dialer.reset();
    lock.lock();
  }
  while (connecting_ < options_.max_connecting) {
    std::shared_ptr<Dialer> dialer = take_due(dials_);
    if (!dialer) return;
    ++connecting_;
    lock.unlock();
    dialer->dial();
    dialer.reset();  // maybe the last one: its end may call back
    lock.lock();
  }
}

std::shared_ptr<Dialer> Exchange::take_due(Appointments& appointments) {
  while (!appointments.empty() && appointments.begin()->first <= Clock::now()) {
    std::shared_ptr<Dialer> dialer = appointments.extract(appointments.begin()).mapped().lock();
    if (dialer) return dialer;
  }
  return nullptr;
}

Clock::time_point Exchange::next_appointment() const {
  Clock::time_point next = Clock::time_point::max();
  if (!leaves_.empty()) next = leaves_.begin()->first;
  if (!dials_.empty() && connecting_ < options_.max_connecting) next = std::min(next, dials_.begin()->first);
  return next;
}

bool Exchange::examine(std::function<void(std::stop_token)> work) {
  const std::lock_guard lock(mutex_);
  if (stopped_ || examinations_.size() >= kMaxExaminations) return false;
  if (!examiner_.joinable()) {
    try {
      examiner_ = std::jthread([this](const std::stop_token& stop) { run_examinations(stop); });
    } catch (const std::system_error&) {
      return false;  // the system has no thread for it
    }
  }
  examinations_.push_back(std::move(work));
  examinations_changed_.notify_one();
  return true;
}

void Exchange::run_examinations(const std::stop_token& stop) {
  std::unique_lock lock(mutex_);
  while (examinations_changed_.wait(lock, stop, [this] { return !examinations_.empty(); })) {
    if (stop.stop_requested()) return;
    std::function<void(std::stop_token)> work = std::move(examinations_.front());
    examinations_.pop_front();
    lock.unlock();
    work(stop);
    work = nullptr;  // it may hold the last reference to a session
    lock.lock();
  }
}

void Exchange::stop() {
  std::jthread examiner;
  {
    const std::lock_guard lock(mutex_);
    stopped_ = true;
    examiner = std::move(examiner_);
  }
}

}  // namespace skink::mqtt::internal
