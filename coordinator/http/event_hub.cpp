#include "skink/coordinator/http/event_hub.hpp"

#include <algorithm>

namespace skink::coordinator::http {
namespace {

constexpr std::size_t kMostTypeBytes = 64;
constexpr std::uint64_t kMostLookedAt = 512;

bool is_type(std::string_view type) {
  constexpr std::string_view kLetters = "abcdefghijklmnopqrstuvwxyz0123456789._-";
  return !type.empty() && type.size() <= kMostTypeBytes && type.find_first_not_of(kLetters) == std::string_view::npos;
}

std::size_t bytes_of(const Event& event) { return event.type.size() + event.json.size(); }

}  // namespace

EventHub::EventHub() : EventHub(Options()) {}

EventHub::EventHub(const Options& options)
    : options_(options), next_id_(std::max<std::uint64_t>(options.first_id, 1)) {}

Result<std::uint64_t> EventHub::publish(std::string_view type, std::string json) {
  if (!is_type(type)) {
    return make_error(Status::kInvalidArgument, "'" + std::string(type) + "' is no event type: 1..64 of a-z 0-9 . _ -");
  }
  if (json.size() > options_.event_bytes) {
    return make_error(Status::kBufferTooSmall, "an event '" + std::string(type) + "' of " +
                                                   std::to_string(json.size()) + " bytes; at most " +
                                                   std::to_string(options_.event_bytes) + " are sent");
  }
  auto event = std::make_shared<Event>();
  event->type = type;
  event->json = std::move(json);
  std::uint64_t id = 0;
  {
    const std::lock_guard lock(ring_mutex_);
    id = event->id = next_id_++;
    bytes_ += bytes_of(*event);
    ring_.push_back(std::move(event));
    while (ring_.size() > std::max<std::size_t>(options_.ring_events, 1) ||
           (bytes_ > options_.ring_bytes && ring_.size() > 1)) {
      bytes_ -= bytes_of(*ring_.front());
      ring_.pop_front();
    }
  }
  const std::lock_guard lock(wakers_mutex_);
  for (const auto& waker : wakers_) waker.second();
  return id;
}

std::uint64_t EventHub::newest() const {
  const std::lock_guard lock(ring_mutex_);
  return next_id_ - 1;
}

EventHub::Batch EventHub::read(std::uint64_t after, const std::set<std::string, std::less<>>& types,
                               std::size_t most_events) const {
  const std::lock_guard lock(ring_mutex_);
  Batch batch;
  batch.newest = next_id_ - 1;
  batch.oldest = next_id_ - ring_.size();
  batch.has_gap = after > batch.newest || after + 1 < batch.oldest;
  if (batch.has_gap) after = batch.oldest - 1;
  const std::uint64_t end = std::min(batch.newest, after + kMostLookedAt);
  while (after < end && batch.events.size() < most_events) {
    ++after;
    const auto& event = ring_[static_cast<std::size_t>(after - batch.oldest)];
    if (types.empty() || types.contains(event->type)) batch.events.push_back(event);
  }
  batch.next_after = after;
  return batch;
}

EventHub::Subscription EventHub::subscribe(std::function<void()> wake) {
  const std::lock_guard lock(wakers_mutex_);
  wakers_.emplace(next_key_, std::move(wake));
  return {this, next_key_++};
}

EventHub::Subscription::Subscription(Subscription&& other) noexcept
    : hub_(std::exchange(other.hub_, nullptr)), key_(other.key_) {}

EventHub::Subscription& EventHub::Subscription::operator=(Subscription&& other) noexcept {
  std::swap(hub_, other.hub_);
  std::swap(key_, other.key_);
  return *this;
}

EventHub::Subscription::~Subscription() {
  if (hub_ == nullptr) return;
  const std::lock_guard lock(hub_->wakers_mutex_);
  hub_->wakers_.erase(key_);
}

}  // namespace skink::coordinator::http
