#pragma once
/// @file
/// Which requests there are, and who answers them: a table that can be read, so that a test can compare it with the
/// API's description. It neither reads nor writes a socket.
///
/// A pattern is a path whose segments are literal ("runs"), a parameter ("{id}"), or a parameter with an action
/// ("{id}:pause"). A parameter matches one segment that is not empty. Where several patterns match a path, the first
/// segment that differs decides: literal before action before parameter.

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "skink/common/span.hpp"
#include "skink/coordinator/http/asset.hpp"
#include "skink/coordinator/http/event_hub.hpp"
#include "skink/coordinator/http/http_message.hpp"
#include "skink/coordinator/http/responder.hpp"

namespace skink::coordinator::http {

/// Called on the server's thread, which serves everybody: returns within a millisecond or so. What takes longer moves
/// the responder to another thread. Must not throw; what it throws is a 500, code "internal".
using Handler = std::function<void(const Request&, Responder)>;

/// What answers a route.
enum class RouteKind : std::uint8_t {
  kHandler,
  kAsset,             ///< bytes of the program: add_assets()
  kServerSentEvents,  ///< GET; text/event-stream of a hub
  kWebSocket          ///< GET with an upgrade; frames of a hub
};

/// One line of the table.
struct Route {
  std::string method;   ///< "GET", "POST", "PUT", "PATCH" or "DELETE"
  std::string pattern;  ///< "/api/v1/runs/{id}/rounds"
  Scope scope = Scope::kAdmin;
  std::string summary;  ///< one line for people
  Handler handler;      ///< kHandler, kAsset
  RouteKind kind = RouteKind::kHandler;
  std::shared_ptr<EventHub> events;  ///< kServerSentEvents, kWebSocket
};

/// The table of routes. Filled at the start, then only read: by any thread.
class Router {
 public:
  /// Adds a route for handlers.
  /// @throws std::invalid_argument for a table that is wrong, whatever is requested: an unknown method, a pattern that
  ///         is none, or the same pattern and method again.
  void add(std::string method, std::string pattern, Scope scope, std::string summary, Handler handler);

  /// Adds a GET of a hub's events as Server-sent events (`id:`, `event:`, `data:`). Resumes by the header Last-Event-ID
  /// or ?after=ID; ?type=a,b leaves the others out. See event_hub.hpp for what a client is told. Throws as add().
  void add_server_sent_events(std::string pattern, Scope scope, std::string summary, std::shared_ptr<EventHub> events);

  /// Adds a WebSocket of a hub's events: text frames {"id", "type", "data"}; ?after= and ?type= as above. Throws as
  /// add().
  void add_websocket(std::string pattern, Scope scope, std::string summary, std::shared_ptr<EventHub> events);

  /// Adds a GET without a scope for each of `assets`, which live as long as the program. Throws as add().
  void add_assets(Span<const Asset> assets);

  /// All routes, in the order in which they were added.
  const std::vector<Route>& routes() const { return routes_; }

  /// What find() found.
  struct Match {
    const Route* route = nullptr;      ///< nullptr: none
    Parameters parameters;             ///< of the path
    std::vector<std::string> allowed;  ///< methods of the path, HEAD and OPTIONS among them; empty: no such path
  };

  /// Looks a request up. HEAD finds GET.
  /// @param[in] segments  the path's, decoded; none for "/".
  Match find(std::string_view method, const std::vector<std::string>& segments) const;

  /// The actions of what a path names, ":pause", in the order of the table: with one of them at its end the path is
  /// one of an action's pattern.
  std::vector<std::string> actions_of(std::vector<std::string> segments) const;

 private:
  struct Segment {
    enum class Kind : std::uint8_t { kLiteral, kAction, kParameter };
    Kind kind = Kind::kLiteral;
    std::string text;  ///< kLiteral: the segment; kAction: ":pause"
    std::string name;  ///< of the parameter
  };
  using Pattern = std::vector<Segment>;

  static Pattern parse_pattern(const std::string& pattern);
  static bool matches(const Pattern& pattern, const std::vector<std::string>& segments);
  static bool is_more_specific(const Pattern& pattern, const Pattern& other);
  static Parameters parameters_of(const Pattern& pattern, const std::vector<std::string>& segments);
  void add_route(Route route);

  std::vector<Route> routes_;
  std::vector<Pattern> patterns_;  ///< of routes_, at the same index
};

}  // namespace skink::coordinator::http
