#include "request_target.hpp"

#include <algorithm>

#include "skink/coordinator/http/problem.hpp"

namespace skink::coordinator::http {
namespace {

enum class Plus : std::uint8_t { kIsPlus, kIsSpace };

int hex_digit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

/// False: a '%' without two hexadecimal digits, a control character, or not UTF-8.
bool decode(std::string_view text, Plus plus, std::string& decoded) {
  decoded.clear();
  for (std::size_t i = 0; i < text.size(); ++i) {
    char c = text[i];
    if (c == '+' && plus == Plus::kIsSpace) c = ' ';
    if (c == '%') {
      const int high = i + 2 < text.size() ? hex_digit(text[i + 1]) : -1;
      const int low = i + 2 < text.size() ? hex_digit(text[i + 2]) : -1;
      if (high < 0 || low < 0) return false;
      c = static_cast<char>(high * 16 + low);
      i += 2;
    }
    if (static_cast<unsigned char>(c) < 0x20 || c == 0x7f) return false;
    decoded += c;
  }
  return is_utf8(decoded);
}

Response malformed(const char* detail) { return problem(400, "invalid-target", detail); }

std::optional<Response> read_path(std::string_view path, const Limits& limits, Target& target) {
  target.path = "/";
  if (path == "/") return std::nullopt;
  while (!path.empty()) {
    path.remove_prefix(1);  // '/'
    const std::size_t end = std::min(path.find('/'), path.size());
    if (target.segments.size() == limits.path_segments) {
      return problem(414, "target-too-long",
                     "the path has more than " + std::to_string(limits.path_segments) + " segments");
    }
    std::string& segment = target.segments.emplace_back();
    if (!decode(path.substr(0, end), Plus::kIsPlus, segment)) {
      return malformed("the path wants UTF-8 without control characters, and %XX for other bytes");
    }
    if (segment.empty() || segment == "." || segment == "..") {
      return malformed("the path has a segment that is empty, '.' or '..'");
    }
    if (target.segments.size() > 1) target.path += '/';
    target.path += segment;
    path.remove_prefix(end);
  }
  return std::nullopt;
}

std::optional<Response> read_query(std::string_view query, const Limits& limits, Parameters& parameters) {
  std::size_t count = 0;
  while (!query.empty()) {
    const std::size_t end = std::min(query.find('&'), query.size());
    const std::string_view pair = query.substr(0, end);
    query.remove_prefix(std::min(end + 1, query.size()));
    if (pair.empty()) continue;
    if (++count > limits.query_parameters) {
      return problem(414, "target-too-long",
                     "the query has more than " + std::to_string(limits.query_parameters) + " parameters");
    }
    const std::size_t equals = std::min(pair.find('='), pair.size());
    std::string name, value;
    if (!decode(pair.substr(0, equals), Plus::kIsSpace, name) ||
        !decode(pair.substr(std::min(equals + 1, pair.size())), Plus::kIsSpace, value)) {
      return malformed("the query wants UTF-8 without control characters, and %XX for other bytes");
    }
    if (name.empty()) return malformed("the query has a parameter without a name");
    if (!parameters.emplace(name, std::move(value)).second) {
      return problem(400, "invalid-parameter", "the query has the parameter '" + name + "' twice");
    }
  }
  return std::nullopt;
}

}  // namespace

std::optional<Response> read_target(std::string_view text, const Limits& limits, Target& target) {
  if (text.size() > limits.target_bytes) {
    return problem(414, "target-too-long",
                   "path and query have " + std::to_string(text.size()) + " bytes; at most " +
                       std::to_string(limits.target_bytes) + " are read");
  }
  if (text.empty() || text[0] != '/') return malformed("the target begins with '/': no absolute URLs");
  if (text.find('#') != std::string_view::npos) return malformed("the target has a '#': write %23");
  const std::size_t question = std::min(text.find('?'), text.size());
  if (auto refusal = read_path(text.substr(0, question), limits, target)) {
    target.path.clear();
    return refusal;
  }
  return read_query(text.substr(std::min(question + 1, text.size())), limits, target.query);
}

}  // namespace skink::coordinator::http
