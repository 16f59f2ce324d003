#include "skink/simulations/import/csv.hpp"

#include <catch2/catch.hpp>
#include <sstream>

using namespace skink;
using Catch::Matchers::Contains;
using simulations::CsvReader;

namespace {

using Rows = std::vector<std::vector<std::string>>;

/// All rows, or the first error.
Result<Rows> parse(const std::string& text) {
  std::istringstream stream(text);
  CsvReader csv(stream, "a.csv");
  Rows rows;
  while (true) {
    const Result<bool> has_row = csv.next();
    if (!has_row) return has_row.error();
    if (!*has_row) return rows;
    rows.emplace_back();
    for (std::size_t c = 0; c < csv.field_count(); ++c) rows.back().emplace_back(csv.field(c));
  }
}

std::string error_of(const std::string& text) {
  const Result<Rows> rows = parse(text);
  REQUIRE(rows.has_error());
  CHECK(rows.error().code == Status::kDamaged);
  return rows.error().message;
}

const std::string kMark = "\xef\xbb\xbf";

}  // namespace

TEST_CASE("csv: rows end in LF, CRLF or the end of the file", "[simulations][import][csv]") {
  const Rows wanted{{"a", "b"}, {"1", ""}};
  for (const char* text : {"a,b\n1,\n", "a,b\r\n1,\r\n", "a,b\n1,", "a,b\r\n1,\r", "\n\na,b\n\r\n1,\n\n"}) {
    CHECK(parse(text).value() == wanted);
  }
  CHECK(parse(kMark + "a,b\n1,\n").value() == wanted);
  CHECK(parse("").value().empty());
  CHECK(parse(kMark).value().empty());
  CHECK(parse("\n\r\n\n").value().empty());
}

TEST_CASE("csv: quoted fields hold commas, quotes and line ends", "[simulations][import][csv]") {
  CHECK(parse("\"a,b\",\"say \"\"hi\"\"\",\"two\r\nlines\"\n").value() == Rows{{"a,b", "say \"hi\"", "two\r\nlines"}});
  CHECK(parse("\"\",\"\"\"\"").value() == Rows{{"", "\""}});
  CHECK(parse("\"\"\n").value() == Rows{{""}});
}

TEST_CASE("csv: a row knows its line", "[simulations][import][csv]") {
  std::istringstream stream("a\n\n\"b\nb\"\nc\n");
  CsvReader csv(stream, "a.csv");
  for (const std::uint64_t line : {1U, 3U, 5U}) {
    REQUIRE(csv.next().value());
    CHECK(csv.line() == line);
  }
  CHECK_FALSE(csv.next().value());
  CHECK(csv.bytes_read() == stream.str().size());
}

TEST_CASE("csv: what is no CSV is refused with line and column", "[simulations][import][csv]") {
  CHECK_THAT(error_of("a,b\n1,\"2\n3,4\n"), Contains("a.csv:2: column 2 opens a quote that is never closed"));
  CHECK_THAT(error_of("a,b\n1,2\"3\n"), Contains("a.csv:2: column 2 has a quote inside"));
  CHECK_THAT(error_of("a,b\n\"1\"x,2\n"), Contains("a.csv:2: column 1 has text after its closing quote"));
  CHECK_THAT(error_of("a\rb\n"), Contains("a.csv:1: column 1 has a carriage return that ends no line"));
  CHECK_THAT(error_of(std::string("a,b\n1,\0\n", 8)), Contains("a.csv:2: column 2 has a zero byte"));
  CHECK_THAT(error_of(std::string("\xff\xfe"
                                  "a\0",
                                  4)),
             Contains("a.csv:1: is not UTF-8"));
  CHECK_THAT(error_of("\xef"
                      "a"),
             Contains("a.csv:1: is not UTF-8"));
}

TEST_CASE("csv: a row without end is refused, not kept", "[simulations][import][csv]") {
  CHECK_THAT(error_of("a\n\"" + std::string(CsvReader::kMostRowBytes + 1, 'x')),
             Contains("a.csv:2: the row is longer"));
  CHECK_THAT(error_of(std::string(CsvReader::kMostRowBytes + 1, ',')), Contains("a.csv:1: the row is longer"));
}
