#include "skink/common/provisioning/key_name.hpp"

#include <catch2/catch.hpp>
#include <string>
#include <vector>

using namespace skink;

namespace {

std::vector<std::uint8_t> written(const std::string& name, std::size_t room = provisioning::kMaxNamedKeyBytes) {
  std::vector<std::uint8_t> out(room + 1, 0xee);
  const std::size_t count = provisioning::write_key_name({name.data(), name.size()}, {out.data(), room});
  REQUIRE(count <= room);
  REQUIRE(out[count] == 0xee);
  out.resize(count);
  return out;
}

std::string read(const std::vector<std::uint8_t>& bytes) {
  const Span<const char> name = provisioning::key_name({bytes.data(), bytes.size()});
  return {name.data(), name.size()};
}

}  // namespace

TEST_CASE("key name: what is written is read, and its bytes are the document's", "[common][wire][identity]") {
  CHECK(written("k:1") == std::vector<std::uint8_t>{0x30, 5, 0x0c, 3, 'k', ':', '1'});
  for (std::size_t length = 1; length <= provisioning::kMaxKeyNameBytes; ++length) {
    const std::string name(length, '~');
    REQUIRE(read(written(name)) == name);
  }
}

TEST_CASE("key name: what is none is not written", "[common][wire][identity]") {
  for (const std::string& name : {std::string(), std::string(provisioning::kMaxKeyNameBytes + 1, 'x'),
                                  std::string("a\n"), std::string("\xc3\xa4"), std::string("a\0b", 3)}) {
    CHECK(written(name).empty());
  }
  CHECK(written("four", 7).empty());
  CHECK(written("four", 8).size() == 8);
}

TEST_CASE("key name: a key, or a name that is changed anywhere in its frame, is none", "[common][wire][identity]") {
  const auto good = written("pkcs11:object=pump");
  for (std::size_t i = 0; i < 4; ++i) {
    for (int bit = 0; bit < 8; ++bit) {
      auto changed = good;
      changed[i] = static_cast<std::uint8_t>(changed[i] ^ (1U << bit));
      CHECK(read(changed).empty());
    }
  }
  for (std::size_t length = 0; length < good.size(); ++length) {
    CHECK(read({good.begin(), good.begin() + static_cast<std::ptrdiff_t>(length)}).empty());
  }
  auto longer = good;
  longer.push_back('x');
  CHECK(read(longer).empty());
  CHECK(read({0x30, 6, 0x02, 1, 1, 0x04, 1, 7}).empty());  // as SEC1 begins
}
