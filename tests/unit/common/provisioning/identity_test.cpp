#include "skink/common/provisioning/identity.hpp"

#include <algorithm>
#include <catch2/catch.hpp>
#include <cstring>
#include <functional>
#include <string>
#include <vector>

#include "fakes/known_identity.hpp"
#include "skink/common/little_endian.hpp"
#include "skink/common/wire/versions.hpp"

using namespace skink;
using test::FakeIdentity;

namespace {

using Image = std::vector<std::uint8_t>;

Bytes view(const Image& image) { return {image.data(), image.size()}; }
std::string string_of(Span<const char> text) { return {text.data(), text.size()}; }
Image bytes_of(Bytes bytes) { return {bytes.begin(), bytes.end()}; }

Image write(const FakeIdentity& identity) {
  Image image(provisioning::kMaxIdentityBytes);
  std::size_t written = 0;
  REQUIRE(provisioning::write_identity(identity.view(), {image.data(), image.size()}, written) == Status::kOk);
  image.resize(written);
  return image;
}

Status read(const Image& image) {
  provisioning::DeviceIdentity identity;
  return provisioning::read_identity(view(image), identity);
}

/// An image by the document, around any content.
Image framed(const Image& content, std::uint16_t version = 1) {
  Image image = {'S', 'K', 'I', 0, 0, 0, 0, 0};
  store_u16(image.data() + 4, version);
  store_u16(image.data() + 6, static_cast<std::uint16_t>(content.size()));
  image.insert(image.end(), content.begin(), content.end());
  const crypto::Digest digest = crypto::sha256(view(image));
  image.insert(image.end(), digest.bytes, digest.bytes + crypto::kDigestBytes);
  return image;
}

Image content_of(const Image& image) { return {image.begin() + 8, image.end() - crypto::kDigestBytes}; }

/// Content written by hand, field by field, as docs/identity.md lists them.
Image content_by_hand(const FakeIdentity& identity) {
  Image content;
  const auto varint = [&content](std::size_t value) {
    for (; value >= 128; value >>= 7) content.push_back(static_cast<std::uint8_t>(value | 128));
    content.push_back(static_cast<std::uint8_t>(value));
  };
  const auto bytes = [&](std::size_t number, const auto& value) {
    varint(number << 3 | 2);
    varint(value.size());
    content.insert(content.end(), value.begin(), value.end());
  };
  bytes(1, identity.fleet);
  bytes(2, identity.device_id);
  bytes(3, std::string(32, static_cast<char>(identity.key_byte)));
  bytes(4, identity.broker_host);
  varint(5 << 3);
  varint(identity.broker_port);
  bytes(6, identity.tls_server_name);
  bytes(7, identity.time_host);
  varint(8 << 3);
  varint(identity.time_port);
  varint(9 << 3 | 1);
  for (int i = 0; i < 8; ++i) content.push_back(static_cast<std::uint8_t>(identity.seed >> (8 * i)));
  bytes(10, identity.ca_certificate);
  bytes(11, identity.certificate);
  bytes(12, identity.private_key);
  bytes(13, identity.release_key);
  bytes(14, identity.second_time_host);
  varint(15 << 3);
  varint(identity.second_time_port);
  if (identity.third_time_host.empty()) return content;
  bytes(16, identity.third_time_host);
  varint(17 << 3);
  varint(identity.third_time_port);
  return content;
}

}  // namespace

TEST_CASE("identity: an image is what the document says, byte for byte", "[common][wire][identity]") {
  const FakeIdentity identity;
  CHECK(write(identity) == framed(content_by_hand(identity)));
}

TEST_CASE("identity: every field comes back, in place", "[common][wire][identity]") {
  const FakeIdentity written;
  Image partition = write(written);
  const std::size_t image_bytes = partition.size();
  partition.resize(provisioning::kMaxIdentityBytes, 0xff);  // as flash has it
  provisioning::DeviceIdentity read;
  REQUIRE(provisioning::read_identity(view(partition), read) == Status::kOk);
  CHECK(string_of(read.fleet) == written.fleet);
  CHECK(string_of(read.device_id) == written.device_id);
  CHECK(std::all_of(std::begin(read.hmac_key.bytes), std::end(read.hmac_key.bytes), [](auto b) { return b == 9; }));
  CHECK(string_of(read.broker_host) == written.broker_host);
  CHECK(read.broker_port == 8883);
  CHECK(string_of(read.tls_server_name) == written.tls_server_name);
  CHECK(string_of(read.time_servers[0].host) == written.time_host);
  CHECK(read.time_servers[0].port == 123);
  CHECK(string_of(read.time_servers[1].host) == written.second_time_host);
  CHECK(read.time_servers[1].port == 124);
  CHECK(read.time_servers[2].host.empty());
  CHECK(read.seed == written.seed);
  CHECK(bytes_of(read.ca_certificate) == written.ca_certificate);
  CHECK(bytes_of(read.certificate) == written.certificate);
  CHECK(bytes_of(read.private_key) == written.private_key);
  CHECK(bytes_of(read.release_key) == written.release_key);
  for (const Bytes part : {read.ca_certificate, read.certificate, read.private_key, read.release_key}) {
    CHECK((part.data() > partition.data() && part.end() <= partition.data() + image_bytes));
  }
}

TEST_CASE("identity: what is optional may be absent", "[common][wire][identity]") {
  FakeIdentity identity;
  identity.tls_server_name = identity.broker_host;
  identity.time_host = identity.second_time_host = "";
  identity.time_port = identity.second_time_port = 0;
  identity.seed = 0;
  const Image image = write(identity);
  provisioning::DeviceIdentity read;
  REQUIRE(provisioning::read_identity(view(image), read) == Status::kOk);
  CHECK(string_of(read.tls_server_name) == identity.broker_host);
  CHECK(read.time_servers[0].host.empty());
  CHECK(image.size() < write(FakeIdentity{}).size() - identity.broker_host.size() - 7);  // nothing is written twice
}

TEST_CASE("identity: the longest names fit", "[common][wire][identity]") {
  FakeIdentity identity;
  identity.fleet = identity.device_id = std::string(64, 'f');
  identity.broker_host = std::string(253, 'b');
  identity.tls_server_name = std::string(253, 's');
  identity.time_host = identity.second_time_host = identity.third_time_host = std::string(253, 't');
  identity.third_time_port = 123;
  CHECK(read(write(identity)) == Status::kOk);
}

TEST_CASE("identity: any flipped bit and any truncation is refused", "[common][wire][identity]") {
  const Image image = write(FakeIdentity{});
  for (std::size_t bit = 0; bit < 8 * image.size(); ++bit) {
    Image flipped = image;
    flipped[bit / 8] = static_cast<std::uint8_t>(flipped[bit / 8] ^ (1U << (bit % 8)));
    const Status status = read(flipped);
    const bool in_version = bit / 8 == 4 || bit / 8 == 5;
    const bool in_length = bit / 8 == 6 || bit / 8 == 7;
    const bool expected = status == Status::kDamaged || (in_version && status == Status::kNewerVersion) ||
                          (in_length && status == Status::kTruncated);
    if (!expected) FAIL("bit " << bit << ": " << status_text(status));
  }
  for (std::size_t byte = 0; byte < image.size(); ++byte) {
    for (const std::uint8_t value : {std::uint8_t{0x00}, std::uint8_t{0xff}}) {  // stuck cells
      if (image[byte] == value) continue;
      Image stuck = image;
      stuck[byte] = value;
      if (read(stuck) == Status::kOk) FAIL("byte " << byte);
    }
  }
  for (std::size_t size = 0; size < image.size(); ++size) {
    if (read(Image(image.begin(), image.begin() + static_cast<std::ptrdiff_t>(size))) != Status::kTruncated) {
      FAIL("length " << size);
    }
  }
}

TEST_CASE("identity: writing that stopped half-way is refused", "[common][wire][identity]") {
  const Image image = write(FakeIdentity{});
  for (std::size_t size = 1; size < image.size(); ++size) {
    Image torn(provisioning::kMaxIdentityBytes, 0xff);
    std::copy(image.begin(), image.begin() + static_cast<std::ptrdiff_t>(size), torn.begin());
    if (read(torn) == Status::kOk) FAIL("length " << size);
  }
}

TEST_CASE("identity: an erased partition is not provisioned", "[common][wire][identity]") {
  const auto erased = GENERATE(std::uint8_t{0xff}, std::uint8_t{0x00});
  const auto size = GENERATE(1U, 8U, 4096U, 65536U);
  CHECK(read(Image(size, erased)) == Status::kUnavailable);
  Image almost(size, erased);
  almost.back() = 1;
  CHECK(read(almost) == (size < 8 ? Status::kTruncated : Status::kDamaged));
  CHECK(read({}) == Status::kTruncated);
}

TEST_CASE("identity: other versions are refused with their reason", "[common][wire][identity]") {
  const Image content = content_of(write(FakeIdentity{}));
  CHECK(read(framed(content, wire::kIdentityVersion)) == Status::kOk);
  CHECK(read(framed(content, wire::kIdentityVersion + 1)) == Status::kNewerVersion);
  CHECK(read(framed({}, 0xffff)) == Status::kNewerVersion);
  CHECK(read(framed(content, 0)) == Status::kUnsupported);
}

TEST_CASE("identity: sound frames around anything else are refused", "[common][wire][identity]") {
  CHECK(read(framed({})) == Status::kInvalidArgument);
  CHECK(read(framed({0xff, 0xff, 0xff})) == Status::kDamaged);
  CHECK(read(framed({0x0a, 5, 'a'})) == Status::kDamaged);          // a text that ends early
  CHECK(read(framed({0x08, 1})) == Status::kDamaged);               // a text that came as a number
  CHECK(read(framed(Image(4096 - 40, 0x20))) == Status::kDamaged);  // full, and no message
  CHECK(read(framed(Image(4096 - 39, 0x20))) == Status::kDamaged);  // longer than an image may be
  Image unknown = content_of(write(FakeIdentity{}));
  unknown.insert(unknown.end(), {0xc2, 0x3e, 3, 'a', 'b', 'c'});  // field 1000, three bytes: of a later version
  CHECK(read(framed(unknown)) == Status::kOk);
  Image large_port = content_of(write(FakeIdentity{}));
  large_port.insert(large_port.end(), {0x28, 0x80, 0x80, 4});  // broker_port again: 65536
  CHECK(read(framed(large_port)) == Status::kInvalidArgument);
  Image short_key = content_of(write(FakeIdentity{}));
  short_key.insert(short_key.end(), {0x1a, 1, 1});
  CHECK(read(framed(short_key)) == Status::kInvalidArgument);
}

namespace {

struct Mistake {
  const char* what;
  std::function<void(FakeIdentity&)> make;
};

/// By reader and writer.
void check_refused(Span<const Mistake> mistakes) {
  for (const Mistake& mistake : mistakes) {
    INFO(mistake.what);
    FakeIdentity identity;
    mistake.make(identity);
    Image image(provisioning::kMaxIdentityBytes);
    std::size_t written = 0;
    CHECK(provisioning::write_identity(identity.view(), {image.data(), image.size()}, written) ==
          Status::kInvalidArgument);
    CHECK(read(framed(content_by_hand(identity))) == Status::kInvalidArgument);
  }
}

}  // namespace

TEST_CASE("identity: time servers out of range are refused by reader and writer", "[common][wire][identity]") {
  const Mistake mistakes[] = {
      {"a time server without port", [](auto& i) { i.time_port = 0; }},
      {"a time port without server", [](auto& i) { i.time_host = ""; }},
      {"a second time server without port", [](auto& i) { i.second_time_port = 0; }},
      {"a second time server without the first", [](auto& i) { i.time_host = "", i.time_port = 0; }},
      {"a third time server with a space", [](auto& i) { i.third_time_host = "a b", i.third_time_port = 123; }},
      {"a third time server without the second",
       [](auto& i) {
         i.third_time_host = std::exchange(i.second_time_host, "");
         i.third_time_port = std::exchange(i.second_time_port, 0);
       }},
  };
  check_refused(mistakes);
}

TEST_CASE("identity: a field out of range is refused by reader and writer", "[common][wire][identity]") {
  const Mistake mistakes[] = {
      {"no fleet", [](auto& i) { i.fleet = ""; }},
      {"a fleet with a slash", [](auto& i) { i.fleet = "a/b"; }},
      {"no id", [](auto& i) { i.device_id = ""; }},
      {"a long id", [](auto& i) { i.device_id = std::string(65, 'x'); }},
      {"an id with a zero", [](auto& i) { i.device_id = std::string("a\0b", 3); }},
      {"no key", [](auto& i) { i.key_byte = 0; }},
      {"no host", [](auto& i) { i.broker_host = i.tls_server_name = ""; }},
      {"a long host", [](auto& i) { i.broker_host = std::string(254, 'h'); }},
      {"a host with a space", [](auto& i) { i.broker_host = "a b"; }},
      {"no port", [](auto& i) { i.broker_port = 0; }},
      {"a server name with a bracket", [](auto& i) { i.tls_server_name = "[::1]"; }},
      {"no CA", [](auto& i) { i.ca_certificate.clear(); }},
      {"a CA with a byte more", [](auto& i) { i.ca_certificate.push_back(0); }},
      {"a certificate with a byte less", [](auto& i) { i.certificate.pop_back(); }},
      {"a certificate as PEM", [](auto& i) { i.certificate.assign(300, '-'); }},
      {"a key of indefinite length",
       [](auto& i) {
         i.private_key = {0x30, 0x80, 0, 0};
       }},
      {"a key of one byte", [](auto& i) { i.private_key = {0x30}; }},
      {"a short length that ends",
       [](auto& i) {
         i.private_key = {0x30, 0x81};
       }},
      {"a long length that ends",
       [](auto& i) {
         i.private_key = {0x30, 0x82, 0};
       }},
      {"a compressed release key", [](auto& i) { i.release_key.assign(33, 0x02); }},
      {"a release key of another form", [](auto& i) { i.release_key[0] = 0x06; }},
  };
  check_refused(mistakes);
}

TEST_CASE("identity: certificates of every form of length are taken", "[common][wire][identity]") {
  for (const std::size_t size : {1U, 127U, 128U, 255U, 256U, 1000U}) {
    FakeIdentity identity;
    identity.certificate = test::der_sequence(size);
    CHECK(read(write(identity)) == Status::kOk);
  }
}

TEST_CASE("identity: on error the caller's identity is untouched", "[common][wire][identity]") {
  Image image = write(FakeIdentity{});
  provisioning::DeviceIdentity identity;
  identity.broker_port = 77;
  image.back() ^= 1;
  CHECK(provisioning::read_identity(view(image), identity) == Status::kDamaged);
  CHECK(identity.broker_port == 77);
  CHECK(provisioning::read_identity(view(framed({})), identity) == Status::kInvalidArgument);
  CHECK(identity.broker_port == 77);
}

TEST_CASE("identity: memory that is too small is reported, never overrun", "[common][wire][identity]") {
  const FakeIdentity identity;
  const std::size_t needed = write(identity).size();
  for (std::size_t room = 0; room < needed; ++room) {
    Image out(room + 8, 0xee);
    std::size_t written = 0;
    if (provisioning::write_identity(identity.view(), {out.data(), room}, written) != Status::kBufferTooSmall)
      FAIL(room);
    if (!std::all_of(out.begin() + static_cast<std::ptrdiff_t>(room), out.end(), [](auto b) { return b == 0xee; })) {
      FAIL("overrun at " << room);
    }
  }
  FakeIdentity large;
  large.certificate = test::der_sequence(4000);
  Image out(8192);
  std::size_t written = 0;
  CHECK(provisioning::write_identity(large.view(), {out.data(), out.size()}, written) == Status::kBufferTooSmall);
}

TEST_CASE("identity: a text is copied with its end, or not at all", "[common][wire][identity]") {
  char out[4] = {'x', 'x', 'x', 'x'};
  CHECK(provisioning::terminate({"abc", 3}, Span<char>(out)));
  CHECK(std::string(out) == "abc");
  CHECK_FALSE(provisioning::terminate({"abcd", 4}, Span<char>(out)));
  CHECK(std::string(out).empty());
  CHECK(provisioning::terminate({}, Span<char>(out)));
  CHECK_FALSE(provisioning::terminate({}, {}));
}
