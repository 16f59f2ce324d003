#include "skink/coordinator/http/router.hpp"

#include <algorithm>
#include <array>
#include <stdexcept>

namespace skink::coordinator::http {
namespace {

constexpr std::array<std::string_view, 5> kMethods = {"GET", "POST", "PUT", "PATCH", "DELETE"};

[[noreturn]] void refuse(const std::string& pattern, const char* why) {
  throw std::invalid_argument("route '" + pattern + "': " + why);
}

/// How early a kind decides.
template <class Kind>
int rank(Kind kind) {
  return static_cast<int>(kind);
}

}  // namespace

Router::Pattern Router::parse_pattern(const std::string& pattern) {
  if (pattern.empty() || pattern[0] != '/') refuse(pattern, "begins with '/'");
  Pattern segments;
  for (std::size_t begin = 1; begin <= pattern.size() && pattern.size() > 1;) {
    const std::size_t end = std::min(pattern.find('/', begin), pattern.size());
    const std::string text = pattern.substr(begin, end - begin);
    const std::size_t brace = text.find('}');
    if (text.empty()) refuse(pattern, "no segment is empty");
    if (text[0] != '{') {
      if (text.find_first_of("{}") != std::string::npos) refuse(pattern, "a parameter begins its segment");
      segments.push_back({Segment::Kind::kLiteral, text, ""});
    } else {
      if (brace == std::string::npos || brace == 1) refuse(pattern, "a parameter is {name}");
      const std::string action = text.substr(brace + 1);
      if (!action.empty() && (action[0] != ':' || action.size() == 1)) refuse(pattern, "an action is {name}:word");
      segments.push_back(
          {action.empty() ? Segment::Kind::kParameter : Segment::Kind::kAction, action, text.substr(1, brace - 1)});
    }
    begin = end + 1;
  }
  return segments;
}

bool Router::matches(const Pattern& pattern, const std::vector<std::string>& segments) {
  const auto fits = [](const Segment& wanted, const std::string& text) {
    switch (wanted.kind) {
      case Segment::Kind::kLiteral: return text == wanted.text;
      case Segment::Kind::kAction: return text.size() > wanted.text.size() && text.ends_with(wanted.text);
      case Segment::Kind::kParameter: break;
    }
    return true;
  };
  return std::equal(pattern.begin(), pattern.end(), segments.begin(), segments.end(), fits);
}

bool Router::is_more_specific(const Pattern& pattern, const Pattern& other) {
  for (std::size_t i = 0; i < pattern.size() && i < other.size(); ++i) {
    if (pattern[i].kind != other[i].kind) return rank(pattern[i].kind) < rank(other[i].kind);
    // ":b:c" and ":c" both fit "a:b:c": the longer one says more.
    if (pattern[i].text.size() != other[i].text.size()) return pattern[i].text.size() > other[i].text.size();
  }
  return false;
}

Parameters Router::parameters_of(const Pattern& pattern, const std::vector<std::string>& segments) {
  Parameters parameters;
  for (std::size_t i = 0; i < pattern.size(); ++i) {
    if (pattern[i].kind == Segment::Kind::kLiteral) continue;
    parameters[pattern[i].name] = segments[i].substr(0, segments[i].size() - pattern[i].text.size());
  }
  return parameters;
}

std::vector<std::string> Router::actions_of(std::vector<std::string> segments) const {
  std::vector<std::string> actions;
  if (segments.empty()) return actions;
  const std::string thing = segments.back();
  for (const Pattern& pattern : patterns_) {
    if (pattern.empty() || pattern.back().kind != Segment::Kind::kAction) continue;
    segments.back() = thing + pattern.back().text;
    if (matches(pattern, segments)) actions.push_back(pattern.back().text);
  }
  return actions;
}

void Router::add_route(Route route) {
  const std::string& method = route.method;
  if (std::find(kMethods.begin(), kMethods.end(), method) == kMethods.end()) refuse(route.pattern, "unknown method");
  Pattern pattern = parse_pattern(route.pattern);
  const auto is_same = [](const Segment& a, const Segment& b) { return a.kind == b.kind && a.text == b.text; };
  for (std::size_t i = 0; i < routes_.size(); ++i) {
    const bool same = std::equal(pattern.begin(), pattern.end(), patterns_[i].begin(), patterns_[i].end(), is_same);
    if (same && routes_[i].method == method) refuse(route.pattern, "is there already");
  }
  for (const Segment& segment : pattern) {
    const auto has_name = [&](const Segment& other) { return !other.name.empty() && other.name == segment.name; };
    if (std::count_if(pattern.begin(), pattern.end(), has_name) > 1) refuse(route.pattern, "names a parameter twice");
  }
  routes_.push_back(std::move(route));
  patterns_.push_back(std::move(pattern));
}

void Router::add(std::string method, std::string pattern, Scope scope, std::string summary, Handler handler) {
  if (!handler) refuse(pattern, "has no handler");
  add_route({std::move(method), std::move(pattern), scope, std::move(summary), std::move(handler), RouteKind::kHandler,
             nullptr});
}

void Router::add_server_sent_events(std::string pattern, Scope scope, std::string summary,
                                    std::shared_ptr<EventHub> events) {
  if (!events) refuse(pattern, "has no events");
  add_route(
      {"GET", std::move(pattern), scope, std::move(summary), nullptr, RouteKind::kServerSentEvents, std::move(events)});
}

void Router::add_websocket(std::string pattern, Scope scope, std::string summary, std::shared_ptr<EventHub> events) {
  if (!events) refuse(pattern, "has no events");
  add_route({"GET", std::move(pattern), scope, std::move(summary), nullptr, RouteKind::kWebSocket, std::move(events)});
}

void Router::add_assets(Span<const Asset> assets) {
  for (const Asset& asset : assets) {
    add_route({"GET", std::string(asset.path), Scope::kNone, "an asset",
               [asset](const Request& request, Responder respond) { respond(serve_asset(asset, request)); },
               RouteKind::kAsset, nullptr});
  }
}

Router::Match Router::find(std::string_view method, const std::vector<std::string>& segments) const {
  if (method == "HEAD") method = "GET";
  Match match;
  std::size_t best = routes_.size();
  for (std::size_t i = 0; i < routes_.size(); ++i) {
    if (!matches(patterns_[i], segments)) continue;
    match.allowed.push_back(routes_[i].method);
    if (routes_[i].method != method) continue;
    if (best == routes_.size() || is_more_specific(patterns_[i], patterns_[best])) best = i;
  }
  if (best < routes_.size()) {
    match.route = &routes_[best];
    match.parameters = parameters_of(patterns_[best], segments);
  }
  if (match.allowed.empty()) return match;
  if (std::find(match.allowed.begin(), match.allowed.end(), "GET") != match.allowed.end()) {
    match.allowed.emplace_back("HEAD");
  }
  match.allowed.emplace_back("OPTIONS");
  std::sort(match.allowed.begin(), match.allowed.end());
  match.allowed.erase(std::unique(match.allowed.begin(), match.allowed.end()), match.allowed.end());
  return match;
}

}  // namespace skink::coordinator::http
