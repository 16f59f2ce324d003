/// @file
/// The page as a part of the program: its files, what they weigh, and that they ask nobody else.

#include <catch2/catch.hpp>
#include <cstdio>
#include <set>
#include <string>

#include "api/page_assets.hpp"

using namespace skink::coordinator;

TEST_CASE("page: all files together are below 150 KB as they are sent", "[coordinator][api]") {
  constexpr std::size_t kMostBytes = 150'000;
  std::size_t bytes = 0;
  for (const http::Asset& asset : api::page_assets()) {
    CAPTURE(asset.path);
    CHECK(asset.encoding == http::Encoding::kGzip);
    CHECK(asset.bytes.substr(0, 2) == "\x1f\x8b");
    CHECK(asset.etag.size() == 18);
    bytes += asset.bytes.size();
  }
  std::printf("page: %zu bytes in %zu files\n", bytes, api::page_assets().size());
  CHECK(bytes > 40'000);
  CHECK(bytes < kMostBytes);
}

TEST_CASE("page: every file has a path and a hash of its own, and a type", "[coordinator][api]") {
  std::set<std::string_view> paths;
  std::set<std::string_view> etags;
  for (const http::Asset& asset : api::page_assets()) {
    CAPTURE(asset.path);
    CHECK(paths.insert(asset.path).second);
    CHECK(etags.insert(asset.etag).second);
    const bool is_known =
        asset.content_type == "text/html; charset=utf-8" || asset.content_type == "text/css; charset=utf-8" ||
        asset.content_type == "text/javascript; charset=utf-8" || asset.content_type == "image/svg+xml";
    CHECK(is_known);
  }
  CHECK(paths.contains("/"));
  CHECK(paths.contains("/help.html"));
}
