#pragma once
/// @file
/// Events for whoever listens: a ring of the last ones, from which every stream reads at its own pace.
///
/// A stream has no queue of its own, only its place in the ring. So memory is bounded whatever the number and speed of
/// clients, and one that is slow has the whole ring as its reserve. What a client is told beside the events:
/// * it resumes after an id that the ring has no longer, or never had: `gap` {"oldest", "newest"} first, then what is
/// left;
/// * its next event has left the ring while it was connected: `lagged` with the same fields, then the end of the stream
///   (WebSocket: close 1013 "lagged"). It resumes with the last id it has got, and is told `gap`.
/// `gap` and `lagged` have no id, and no filter of types hides them.

#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "skink/host/result.hpp"

namespace skink::coordinator::http {

/// One event. Ids ascend by one.
struct Event {
  std::uint64_t id = 0;
  std::string type;  ///< 1..64 of `a-z 0-9 . _ -`
  std::string json;  ///< an object's text
};

/// The hub. Every call is thread-safe.
class EventHub {
 public:
  /// Bounds of the ring.
  struct Options {
    std::size_t ring_events = 2'000;     ///< 1 or more
    std::size_t ring_bytes = 8'388'608;  ///< of types and texts together; the oldest leave first
    std::size_t event_bytes = 65'536;    ///< of one event's text
    /// Id of the first event; 1 or more. A process that starts again gives ids that its predecessor cannot have used,
    /// such as microseconds since 1970: clients that resume are told of the gap then, and miss nothing silently.
    std::uint64_t first_id = 1;
  };

  EventHub();
  /// An empty ring.
  explicit EventHub(const Options& options);
  EventHub(const EventHub&) = delete;
  EventHub& operator=(const EventHub&) = delete;

  /// Adds an event and wakes the streams. Never waits for a client: costs a copy, and a lock that readers hold for
  /// a few microseconds.
  /// @returns the event's id; kInvalidArgument for a type that is none, kBufferTooSmall for a text of more than
  /// event_bytes.
  Result<std::uint64_t> publish(std::string_view type, std::string json);

  /// The id of the newest event; first_id - 1 before the first.
  std::uint64_t newest() const;

  /// What read() read.
  struct Batch {
    std::vector<std::shared_ptr<const Event>> events;  ///< ascending
    std::uint64_t next_after = 0;  ///< `after` of the next call; equal to `newest` when there is no more now
    bool has_gap = false;          ///< events after `after` have left the ring, or `after` is above `newest`
    std::uint64_t oldest = 0;      ///< id of the oldest event in the ring; newest + 1 when it is empty
    std::uint64_t newest = 0;
  };

  /// The next events after an id.
  /// @param[in] types        only these; empty: all.
  /// @param[in] most_events  1 or more. Looks at no more than 512 events, so that publish() is never held up: a batch
  /// may
  ///                         be empty, with a `next_after` that is below `newest`.
  Batch read(std::uint64_t after, const std::set<std::string, std::less<>>& types, std::size_t most_events) const;

  /// Ends the wake-up calls when destroyed: none runs after that, or is running. The hub outlives it.
  class Subscription {
   public:
    Subscription() = default;
    Subscription(Subscription&& other) noexcept;
    Subscription& operator=(Subscription&& other) noexcept;
    ~Subscription();

   private:
    friend class EventHub;
    Subscription(EventHub* hub, std::uint64_t key) : hub_(hub), key_(key) {}
    EventHub* hub_ = nullptr;
    std::uint64_t key_ = 0;
  };

  /// Calls `wake` after each publish(), on the publisher's thread: it must not wait, nor call the hub.
  Subscription subscribe(std::function<void()> wake);

 private:
  const Options options_;
  mutable std::mutex ring_mutex_;  ///< guards the four below
  std::deque<std::shared_ptr<const Event>> ring_;
  std::size_t bytes_ = 0;
  std::uint64_t next_id_;

  std::mutex wakers_mutex_;  ///< guards the two below; never taken with ring_mutex_
  std::map<std::uint64_t, std::function<void()>> wakers_;
  std::uint64_t next_key_ = 1;
};

}  // namespace skink::coordinator::http
