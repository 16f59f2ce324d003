/// @file
/// Server-sent events: https://html.spec.whatwg.org/multipage/server-sent-events.html, with ends of lines as the
/// service writes them.

#include "skink/coordinator/client/api_client.hpp"

namespace skink::coordinator::client {
namespace {

constexpr std::size_t kMostEventBytes = std::size_t{1} << 20;

/// What follows "name: "; false when the line is of another field.
bool field(const std::string& line, const char* name, std::string& value) {
  const std::string begin = std::string(name) + ":";
  if (line.rfind(begin, 0) != 0) return false;
  const std::size_t skipped = begin.size() + (line.size() > begin.size() && line[begin.size()] == ' ' ? 1 : 0);
  value = line.substr(skipped);
  return true;
}

}  // namespace

Result<std::vector<StreamEvent>> EventReader::add(const std::string& part) {
  std::vector<StreamEvent> events;
  rest_ += part;
  std::size_t begin = 0;
  for (std::size_t end = rest_.find('\n'); end != std::string::npos; end = rest_.find('\n', begin)) {
    std::string line = rest_.substr(begin, end - begin);
    if (!line.empty() && line.back() == '\r') line.pop_back();
    read_line(line, events);
    begin = end + 1;
  }
  rest_.erase(0, begin);
  if (rest_.size() + event_.data.size() > kMostEventBytes) {
    return make_error(Status::kUnsupported, "an event of the service is longer than 1 MiB", Cause::kData);
  }
  return events;
}

void EventReader::read_line(const std::string& line, std::vector<StreamEvent>& events) {
  std::string data;
  if (line.empty()) {
    if (!event_.data.empty()) events.push_back(event_);
    event_ = {};
  } else if (field(line, "data", data)) {
    if (!event_.data.empty()) event_.data += '\n';
    event_.data += data;
  } else if (!field(line, "id", event_.id)) {
    (void)field(line, "event", event_.type);  // others, and comments, say nothing
  }
}

}  // namespace skink::coordinator::client
