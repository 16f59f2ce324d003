#include "event_feed.hpp"

#include <charconv>

#include "header_values.hpp"
#include "skink/coordinator/http/problem.hpp"

namespace skink::coordinator::http {
namespace {

const char* notice_text(Notice notice) { return notice == Notice::kGap ? "gap" : "lagged"; }

std::string range_text(std::uint64_t oldest, std::uint64_t newest) {
  return "{\"oldest\":" + std::to_string(oldest) + ",\"newest\":" + std::to_string(newest) + "}";
}

/// Every line of `json` as a data line; a carriage return ends a line for a browser, too.
void add_data(std::string& text, std::string_view json) {
  while (true) {
    const std::size_t end = json.find_first_of("\r\n");
    text += "data: ";
    text += json.substr(0, end);
    text += '\n';
    if (end == std::string_view::npos) return;
    json.remove_prefix(end + 1);
  }
}

bool read_id(std::string_view text, std::uint64_t& id) {
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), id);
  return error == std::errc() && end == text.data() + text.size();
}

}  // namespace

std::optional<Response> read_feed_request(const Request& request, FeedRequest& feed) {
  const std::string* after = request.query_parameter("after");
  // A browser that reconnects repeats the URL, with the ?after= of the beginning; where it is now is in the header.
  if (!request.last_event_id.empty()) after = &request.last_event_id;
  if (after != nullptr) {
    std::uint64_t id = 0;
    if (!read_id(*after, id)) {
      return problem(400, "invalid-parameter", "'after' and Last-Event-ID want an event's id, a whole number");
    }
    feed.after = id;
  }
  if (const std::string* types = request.query_parameter("type")) {
    for (const std::string_view type : list_elements(*types)) feed.types.emplace(type);
    if (feed.types.empty()) return problem(400, "invalid-parameter", "'type' wants types of events: type=a,b");
  }
  return std::nullopt;
}

EventFeed::EventFeed(std::shared_ptr<EventHub> hub, FeedRequest request)
    : hub_(std::move(hub)),
      request_(std::move(request)),
      after_(request_.after.value_or(hub_->newest())),
      is_resuming_(request_.after.has_value()) {}

EventFeed::Next EventFeed::next(std::size_t most_events) {
  Next next;
  // A batch without events only leaves some out; how often is bounded by the length of the ring.
  do {
    EventHub::Batch batch = hub_->read(after_, request_.types, most_events);
    next.oldest = batch.oldest;
    next.newest = batch.newest;
    if (batch.has_gap && !is_resuming_) {
      next.notice = Notice::kLagged;
      return next;
    }
    if (batch.has_gap) next.notice = Notice::kGap;
    is_resuming_ = false;
    after_ = batch.next_after;
    next.events = std::move(batch.events);
  } while (next.events.empty() && after_ < next.newest);
  return next;
}

std::string sse_text(const Event& event) {
  std::string text = "id: " + std::to_string(event.id) + "\nevent: " + event.type + "\n";
  add_data(text, event.json);
  text += '\n';
  return text;
}

std::string sse_text(Notice notice, std::uint64_t oldest, std::uint64_t newest) {
  return std::string("event: ") + notice_text(notice) + "\ndata: " + range_text(oldest, newest) + "\n\n";
}

std::string frame_text(const Event& event) {
  return "{\"id\":" + std::to_string(event.id) + ",\"type\":\"" + event.type + "\",\"data\":" + event.json + "}";
}

std::string frame_text(Notice notice, std::uint64_t oldest, std::uint64_t newest) {
  return std::string("{\"type\":\"") + notice_text(notice) + "\",\"data\":" + range_text(oldest, newest) + "}";
}

}  // namespace skink::coordinator::http
