#include "exchange.hpp"

#include <algorithm>
#include <utility>

namespace skink::mqtt::internal {
namespace {

constexpr std::size_t kMaxExaminations = 64;

Event problem(std::size_t session, std::string text) {
  Event event;
  event.session = session;
  event.kind = EventKind::kProblem;
  event.text = std::move(text);
  return event;
}

}  // namespace

void Exchange::push(Event event) {
  const std::lock_guard lock(mutex_);
  queued_bytes_ += event.payload.size();
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
    events_.push_back(problem(session, "messages arrive faster than they are worked on: dropping some, beginning with " +
                                           topic));
    changed_.notify_one();
  }
  return false;
}

void Exchange::wait(std::vector<Event>& events, std::chrono::milliseconds timeout) {
  events.clear();
  const Clock::time_point deadline = Clock::now() + timeout;
  std::unique_lock lock(mutex_);
  for (;;) {
    dial_those_due(lock);
    if (!events_.empty() || interrupted_ || Clock::now() >= deadline) break;
    Clock::time_point until = deadline;
    if (!dials_.empty() && connecting_ < options_.max_connecting) until = std::min(until, dials_.begin()->first);
    changed_.wait_until(lock, until);
  }
  interrupted_ = false;
  overflow_reported_ = false;
  queued_bytes_ = 0;
  events.swap(events_);
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

void Exchange::dial_those_due(std::unique_lock<std::mutex>& lock) {
  while (!dials_.empty() && connecting_ < options_.max_connecting && dials_.begin()->first <= Clock::now()) {
    const std::shared_ptr<Dialer> dialer = dials_.extract(dials_.begin()).mapped().lock();
    if (!dialer) continue;
    ++connecting_;
    lock.unlock();
    dialer->dial();
    lock.lock();
  }
}

bool Exchange::examine(std::function<void(std::stop_token)> work) {
  const std::lock_guard lock(mutex_);
  if (stopped_ || examinations_.size() >= kMaxExaminations) return false;
  examinations_.push_back(std::move(work));
  if (!examiner_.joinable()) examiner_ = std::jthread([this](std::stop_token stop) { run_examinations(stop); });
  examinations_changed_.notify_one();
  return true;
}

void Exchange::run_examinations(std::stop_token stop) {
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
