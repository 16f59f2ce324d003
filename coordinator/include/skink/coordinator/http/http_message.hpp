#pragma once
/// @file
/// A request as a handler sees it, after every check, and its answer. No socket and no Boost.Beast in here.

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace skink::coordinator::http {

/// By which way a client came. The unix socket's file mode has said already who may use it.
enum class PeerKind : std::uint8_t { kUnix, kTcp };

/// Who is at the other end of a connection.
struct Peer {
  PeerKind kind = PeerKind::kTcp;
  std::string address;  ///< "192.0.2.7", "2001:db8::1"; "unix" for the unix socket
};

/// What a principal may do; each includes those before it.
enum class Scope : std::uint8_t { kNone, kRead, kOperate, kAdmin };

/// "none", "read", "operate" or "admin"; static storage.
const char* scope_text(Scope scope) noexcept;

/// On whose behalf a request is made.
struct Principal {
  std::string name;
  Scope scope = Scope::kNone;
};

/// Decoded pairs by name. A name occurs once: a query that repeats one is refused.
using Parameters = std::map<std::string, std::string, std::less<>>;

/// A request whose target, headers and body are complete and within the limits. Text from the target is valid UTF-8
/// without control characters; header values are as they were sent.
struct Request {
  std::string method;   ///< "GET" also for HEAD: the server leaves the body out
  std::string path;     ///< decoded, begins with '/'; for the log, not for splitting
  std::string pattern;  ///< the route's: "/api/v1/runs/{id}"
  Parameters path_parameters;
  Parameters query;
  std::string content_type, idempotency_key, last_event_id, if_none_match, accept, accept_encoding, authorization;
  std::string body;
  Peer peer;
  std::optional<Principal> principal;  ///< set where the route needs a scope

  /// A path parameter of the route's pattern. Its name must be one of the pattern's (asserted).
  const std::string& parameter(std::string_view name) const;
  /// A query parameter; nullptr when it was not given.
  const std::string* query_parameter(std::string_view name) const;
};

/// Bytes that are shared, not copied: of a string that they keep alive, or of static storage.
class Body {
 public:
  Body() = default;
  /// Owns `text`.
  Body(std::string text);  // NOLINT(google-explicit-constructor): a string is a body
  /// Shares `text`, which may be large and in use by others; they do not change it.
  explicit Body(std::shared_ptr<const std::string> text);
  /// Borrows bytes that live as long as the program.
  static Body of_static(std::string_view bytes);

  /// Valid as long as a copy of this body.
  std::string_view bytes() const { return bytes_; }

 private:
  std::shared_ptr<const std::string> owner_;
  std::string_view bytes_;
};

/// An answer. The server adds Content-Length, Date, Connection and the security headers.
struct Response {
  int status = 200;          ///< 200..599
  std::string content_type;  ///< empty: none is sent
  Body body;                 ///< left out for HEAD, 204 and 304
  std::string cache_control = "no-store";
  std::vector<std::pair<std::string, std::string>> headers;  ///< e.g. {"Location", "/api/v1/runs/7"}
};

/// 200, or another status, with a text of application/json.
Response json_response(std::string text, int status = 200);

/// 204, without a body.
Response no_content();

/// The phrase of an HTTP status, "Not Found"; "Unknown" for one that this server never sends. Static storage.
const char* status_phrase(int status) noexcept;

}  // namespace skink::coordinator::http
