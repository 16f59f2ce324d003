#pragma once
/// @file
/// The text of an answer's status line and headers.

#include <cstdint>
#include <optional>
#include <string>

#include "skink/coordinator/http/http_message.hpp"

namespace skink::coordinator::http {

enum class After : std::uint8_t { kKeepAlive, kClose };

/// Status line and headers with the empty line, without a body. Control characters in values become spaces: no value
/// can begin a header of its own.
/// @param[in] content_bytes  Content-Length; nullopt: none is sent, the body ends with the connection.
std::string response_head(const Response& response, std::optional<std::size_t> content_bytes, After after);

/// What every answer has, a WebSocket's too: calls add(name, value).
template <class Add>
void for_each_security_header(Add add) {
  add("X-Content-Type-Options", "nosniff");
  add("Content-Security-Policy",
      "default-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'; object-src 'none'");
  add("Referrer-Policy", "no-referrer");
  add("X-Frame-Options", "DENY");
  add("Cross-Origin-Resource-Policy", "same-origin");
}

/// Is a body sent with this status?
inline bool has_content(int status) { return status >= 200 && status != 204 && status != 304; }

}  // namespace skink::coordinator::http
