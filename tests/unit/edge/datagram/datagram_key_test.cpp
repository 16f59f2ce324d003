#include "skink/edge/datagram/datagram_key.hpp"

#include <catch2/catch.hpp>
#include <string>

using namespace skink;

// The example of docs/datagram.md, section 6; computed with Python's hmac.
TEST_CASE("datagram key: of the device key and the id", "[edge][datagram]") {
  crypto::Key master;
  for (std::uint8_t i = 0; i < 32; ++i) master.bytes[i] = i;
  const std::string fleet = "plant-A";
  const std::string id = "kitchen-07";
  const crypto::Key key = crypto::device_key(master, {fleet.data(), fleet.size()}, {id.data(), id.size()});
  char text[65];
  crypto::to_hex(edge::datagram::datagram_key(key, {id.data(), id.size()}), text);
  CHECK(std::string(text) == "c64d8531cf436aa7df6f9d672792ba46a6fcca8626f627853587a1e7f428a40c");
  const std::string other = "kitchen-08";
  CHECK(edge::datagram::datagram_key(key, {other.data(), other.size()}) !=
        edge::datagram::datagram_key(key, {id.data(), id.size()}));
}
