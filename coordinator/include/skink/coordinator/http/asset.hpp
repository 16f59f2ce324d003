#pragma once
/// @file
/// Static files that are part of the program: a page, its script, its style.

#include <cstdint>
#include <string>
#include <string_view>

#include "skink/coordinator/http/http_message.hpp"

namespace skink::coordinator::http {

/// How the bytes of an asset are stored, and sent.
enum class Encoding : std::uint8_t { kIdentity, kGzip };

/// How long a browser may use an asset without asking.
enum class Caching : std::uint8_t {
  kRevalidate,  ///< it asks each time, and is told 304 while nothing has changed
  kForever      ///< a year: the name has a hash of the content in it
};

/// One file. All texts live as long as the program.
struct Asset {
  std::string_view path;          ///< "/", "/assets/app.3f9c21.js"
  std::string_view content_type;  ///< "text/html; charset=utf-8"
  std::string_view bytes;
  Encoding encoding = Encoding::kIdentity;
  std::string_view etag;  ///< with its quotes: "\"3f9c21\""
  Caching caching = Caching::kRevalidate;
};

/// The answer to a GET of `asset`: 200, 304 where If-None-Match has its ETag, or 406 where it is stored as gzip and
/// Accept-Encoding refuses that (without the header everything is accepted: RFC 9110, section 12.5.3).
Response serve_asset(const Asset& asset, const Request& request);

}  // namespace skink::coordinator::http
