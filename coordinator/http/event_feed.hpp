#pragma once
/// @file
/// What one stream of events is sent next, without I/O, and how it looks on the wire.

#include <cstdint>
#include <memory>
#include <optional>
#include <set>
#include <string>

#include "skink/coordinator/http/event_hub.hpp"
#include "skink/coordinator/http/http_message.hpp"

namespace skink::coordinator::http {

/// What a stream is told beside events.
enum class Notice : std::uint8_t { kNone, kGap, kLagged };

/// Where a stream begins and what it leaves out: Last-Event-ID or ?after=, and ?type=.
struct FeedRequest {
  std::optional<std::uint64_t> after;  ///< nullopt: only what is new
  std::set<std::string, std::less<>> types;
};

/// Reads it from a request.
/// @returns nullopt and `feed`, or a 400.
std::optional<Response> read_feed_request(const Request& request, FeedRequest& feed);

/// A stream's place in a hub.
class EventFeed {
 public:
  EventFeed(std::shared_ptr<EventHub> hub, FeedRequest request);

  struct Next {
    Notice notice = Notice::kNone;  ///< before the events; nothing comes after kLagged
    std::uint64_t oldest = 0, newest = 0;
    std::vector<std::shared_ptr<const Event>> events;  ///< at most `most_events`
  };

  /// What comes next; nothing where there is no more now.
  Next next(std::size_t most_events);

 private:
  std::shared_ptr<EventHub> hub_;
  FeedRequest request_;
  std::uint64_t after_;
  bool is_resuming_;  ///< so a gap is what the client missed before; later it is the client's slowness
};

/// "id: 7\nevent: round\ndata: {...}\n\n".
std::string sse_text(const Event& event);
std::string sse_text(Notice notice, std::uint64_t oldest, std::uint64_t newest);

/// {"id":7,"type":"round","data":{...}}; a notice has no id.
std::string frame_text(const Event& event);
std::string frame_text(Notice notice, std::uint64_t oldest, std::uint64_t newest);

}  // namespace skink::coordinator::http
