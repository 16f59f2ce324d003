#pragma once
/// @file
/// The target of a request line, decoded: "/api/v1/devices?group=hall%203".

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "skink/coordinator/http/http_limits.hpp"
#include "skink/coordinator/http/http_message.hpp"

namespace skink::coordinator::http {

struct Target {
  std::string path;                   ///< decoded
  std::vector<std::string> segments;  ///< decoded; none of "/"
  Parameters query;
};

/// Decodes `text`: origin form, RFC 9112, section 3.2.1. Refused, as there is no honest need of them: segments that are
/// empty, "." or ".."; control characters and what is not UTF-8, encoded or not; a parameter given twice.
/// @returns nullopt and `target`; else a 400 or 414, with the path in `target.path`, empty where that is at fault, and
/// the rest unspecified.
std::optional<Response> read_target(std::string_view text, const Limits& limits, Target& target);

}  // namespace skink::coordinator::http
