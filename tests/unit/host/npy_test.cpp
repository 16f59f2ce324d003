#include "skink/host/data/npy.hpp"

#include <catch2/catch.hpp>

#include "temporary_folder.hpp"

using namespace skink;
using Catch::Matchers::Contains;
using test::npy_bytes;
using test::npy_header;

namespace {

Result<NpyArray> parse(const std::string& content) {
  return parse_npy({reinterpret_cast<const std::uint8_t*>(content.data()), content.size()}, "x.npy");
}

void check_refused(const std::string& content, Status status, const std::string& reason) {
  const Result<NpyArray> array = parse(content);
  REQUIRE(array.has_error());
  CHECK(array.error().code == status);
  CHECK_THAT(array.error().message, Contains("x.npy: ") && Contains(reason));
}

}  // namespace

TEST_CASE("npy: every supported number type is read", "[common][host][npy]") {
  const Result<NpyArray> u8 = parse(test::npy_of<std::uint8_t>({1, 2, 3, 4, 5, 255}, {2, 3}));
  REQUIRE(u8.has_value());
  CHECK(u8->shape == std::vector<std::size_t>{2, 3});
  CHECK(std::get<std::vector<std::uint8_t>>(u8->values) == std::vector<std::uint8_t>{1, 2, 3, 4, 5, 255});
  const Result<NpyArray> u16 = parse(test::npy_of<std::uint16_t>({1, 65535}, {2}));
  CHECK(std::get<std::vector<std::uint16_t>>(u16.value().values) == std::vector<std::uint16_t>{1, 65535});
  const Result<NpyArray> i16 = parse(test::npy_of<std::int16_t>({-32768, 7}, {2, 1}));
  CHECK(std::get<std::vector<std::int16_t>>(i16.value().values) == std::vector<std::int16_t>{-32768, 7});
  const Result<NpyArray> f4 = parse(test::npy_of<float>({0.1F, -2.5F}, {2}));
  CHECK(std::get<std::vector<float>>(f4.value().values) == std::vector<float>{0.1F, -2.5F});
}

TEST_CASE("npy: formats 2.0 and 3.0, empty arrays and single numbers are read", "[common][host][npy]") {
  for (const char version : {'\x02', '\x03'}) {
    const std::string header = npy_header("<u2", "(1,)") + "\n";
    std::string bytes("\x93NUMPY", 6);
    bytes += version;
    bytes += '\0';
    bytes += static_cast<char>(header.size());
    bytes += std::string(3, '\0') + header + std::string("\x05\x01", 2);
    const Result<NpyArray> array = parse(bytes);
    REQUIRE(array.has_value());
    CHECK(std::get<std::vector<std::uint16_t>>(array->values) == std::vector<std::uint16_t>{261});
  }
  CHECK(parse(npy_bytes(npy_header("<f4", "(0, 3)"), "")).value().shape == std::vector<std::size_t>{0, 3});
  CHECK(parse(npy_bytes(npy_header("|u1", "()"), "a")).value().shape.empty());
}

TEST_CASE("npy: damaged files are refused with the reason", "[common][host][npy]") {
  check_refused("", Status::kDamaged, "wrong magic number");
  check_refused("PK\x03\x04 a zip file", Status::kDamaged, "wrong magic number");
  check_refused(std::string("\x93NUMPY\x09\x00", 8), Status::kNewerVersion, "format 9");
  check_refused(npy_bytes(npy_header("<f4", "(3,)"), "12345678"), Status::kTruncated,
                "shape [3] needs 12 bytes of values, the file has 8");
  check_refused(npy_bytes(npy_header("<f4", "(1,)"), "12345"), Status::kDamaged, "1 bytes too many");
  check_refused(npy_bytes("{'descr': '<f4', 'shape': (1,), }", "1234"), Status::kDamaged, "header is damaged");
  check_refused(npy_bytes("{'descr': '<f4', 'fortran_order': False, 'shape': (-1,), }", "1234"), Status::kDamaged,
                "header is damaged");
  check_refused(npy_bytes("{'descr': '<f4', 'descr': '<f4', 'fortran_order': False, 'shape': (1,), }", "1234"),
                Status::kDamaged, "header is damaged");
  check_refused(npy_bytes(npy_header("<f4", "(1,)") + " more", "1234"), Status::kDamaged, "header is damaged");
}

TEST_CASE("npy: what the reader does not support is named", "[common][host][npy]") {
  check_refused(npy_bytes(npy_header(">u2", "(1,)"), "12"), Status::kUnsupported, "big-endian (>u2)");
  check_refused(npy_bytes("{'descr': '<f4', 'fortran_order': True, 'shape': (1,), }", "1234"), Status::kUnsupported,
                "Fortran order");
  check_refused(npy_bytes(npy_header("<f8", "(1,)"), "12345678"), Status::kUnsupported, "holds <f8");
  check_refused(npy_bytes("{'descr': [('a', '<f4')], 'fortran_order': False, 'shape': (1,), }", "1234"),
                Status::kUnsupported, "holds a record");
}

TEST_CASE("npy: shapes beyond the address space are refused, not allocated", "[common][host][npy]") {
  check_refused(npy_bytes(npy_header("<f4", "(4294967296, 4294967296, 4)"), "1234"), Status::kTruncated,
                "far too many");
  check_refused(npy_bytes(npy_header("<f4", "(4611686018427387904,)"), "1234"), Status::kTruncated, "far too many");
  check_refused(npy_bytes(npy_header("<f4", "(99999999999999999999999,)"), "1234"), Status::kDamaged, "header");
  check_refused(npy_bytes(npy_header("|u1", "(1000000000000,)"), "1234"), Status::kTruncated, "1000000000000 bytes");
}

TEST_CASE("npy: every truncation and every changed header byte gives an array or an error", "[common][host][npy]") {
  const std::string whole = test::npy_of<std::uint16_t>({1, 2, 3}, {3});
  for (std::size_t length = 0; length < whole.size(); ++length) CHECK(parse(whole.substr(0, length)).has_error());
  for (std::size_t i = 0; i < whole.size() - 6; ++i) {
    for (const int flip : {1, 2, 4, 8, 16, 32, 64, 128, 255}) {
      std::string changed = whole;
      changed[i] = static_cast<char>(changed[i] ^ flip);
      const Result<NpyArray> array = parse(changed);
      if (array) CHECK(std::visit([](const auto& values) { return values.size(); }, array->values) <= 6);
    }
  }
}

TEST_CASE("npy: a missing file and a folder are errors that name the path", "[common][host][npy]") {
  const test::TemporaryFolder folder;
  const Result<NpyArray> missing = read_npy(folder.file("none.npy"));
  REQUIRE(missing.has_error());
  CHECK(missing.error().code == Status::kUnavailable);
  CHECK_THAT(missing.error().message, Contains("none.npy: cannot be read"));
  CHECK(read_npy(folder.path()).has_error());
  folder.write("a.npy", test::npy_of<float>({1.5F}, {1}));
  CHECK(std::get<std::vector<float>>(read_npy(folder.file("a.npy")).value().values)[0] == 1.5F);
}
