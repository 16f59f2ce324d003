#include "skink/firmware/console.hpp"

#include <catch2/catch.hpp>
#include <cstdint>

#include "fakes/fake_port.hpp"

namespace skink::firmware {
namespace {

TEST_CASE("console: values stand where the braces stood", "[firmware][console]") {
  test::console_text().clear();
  print("plain");
  print("{} {} {}", 7U, "text", -5);
  print("{}|{}|{}", std::uint64_t{18446744073709551615U}, static_cast<long long>(INT64_MIN), 0U);
  print("{} {}", Value::hex(0xbeef, 8), Value::hex(0x1234, 2));
  const std::uint8_t bytes[] = {0x00, 0xff};
  print("{}", Value::hex(Bytes(bytes)));
  print("too few {}");
  print("too many", 1U);
  CHECK(test::console_text() ==
        "plain\n7 text -5\n18446744073709551615|-9223372036854775808|0\n0000beef 34\n00ff\ntoo few {}\ntoo many\n");
}

}  // namespace
}  // namespace skink::firmware
