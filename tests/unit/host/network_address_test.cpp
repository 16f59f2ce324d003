#include "skink/host/config/network_address.hpp"

#include <catch2/catch.hpp>

namespace skink {

TEST_CASE("network address: host and port", "[common][host]") {
  const auto parsed = parse_network_address("gateway.local:8883");
  REQUIRE(parsed.has_value());
  CHECK(parsed->host == "gateway.local");
  CHECK(parsed->port == 8883);
  REQUIRE(parse_network_address("[::1]:1").has_value());
  CHECK(parse_network_address("[::1]:1")->host == "::1");
  for (const char* wrong :
       {"", ":", "host", "host:", ":1", "host:0", "host:65536", "host:1x", "::1:1", "[]:1", "[host]:1"}) {
    INFO(wrong);
    CHECK_FALSE(parse_network_address(wrong).has_value());
  }
}

}  // namespace skink
