#include "skink/coordinator/http/asset.hpp"

#include <algorithm>
#include <charconv>

#include "header_values.hpp"
#include "skink/coordinator/http/problem.hpp"

namespace skink::coordinator::http {
namespace {

/// Does Accept-Encoding permit gzip? RFC 9110, section 12.5.3: by name, else by "*"; q=0 means no.
bool accepts_gzip(std::string_view accept_encoding) {
  if (accept_encoding.empty()) return true;
  bool by_star = false;
  for (const std::string_view element : list_elements(accept_encoding)) {
    const std::size_t semicolon = element.find(';');
    const std::string_view name = trimmed(element.substr(0, semicolon));
    std::string_view weight = semicolon == std::string_view::npos ? "" : trimmed(element.substr(semicolon + 1));
    bool is_zero = false;
    if (weight.starts_with("q=") || weight.starts_with("Q=")) {
      weight.remove_prefix(2);
      is_zero = weight.starts_with('0') && weight.find_first_not_of("0.") == std::string_view::npos;
    }
    if (equal_ignoring_case(name, "gzip")) return !is_zero;
    if (name == "*") by_star = !is_zero;
  }
  return by_star;
}

/// Weak comparison, RFC 9110, section 13.1.2.
bool has_etag(std::string_view if_none_match, std::string_view etag) {
  for (std::string_view element : list_elements(if_none_match)) {
    if (element == "*") return true;
    if (element.starts_with("W/")) element.remove_prefix(2);
    if (element == etag) return true;
  }
  return false;
}

}  // namespace

Response serve_asset(const Asset& asset, const Request& request) {
  Response response;
  response.cache_control = asset.caching == Caching::kForever ? "public, max-age=31536000, immutable" : "no-cache";
  if (!asset.etag.empty()) response.headers.emplace_back("ETag", asset.etag);
  if (asset.encoding == Encoding::kGzip) response.headers.emplace_back("Vary", "Accept-Encoding");
  if (!asset.etag.empty() && has_etag(request.if_none_match, asset.etag)) {
    response.status = 304;
    return response;
  }
  if (asset.encoding == Encoding::kGzip) {
    if (!accepts_gzip(request.accept_encoding)) {
      return problem(406, "not-acceptable", "this file is stored as gzip, which the header Accept-Encoding refuses");
    }
    response.headers.emplace_back("Content-Encoding", "gzip");
  }
  response.content_type = asset.content_type;
  response.body = Body::of_static(asset.bytes);
  return response;
}

}  // namespace skink::coordinator::http
