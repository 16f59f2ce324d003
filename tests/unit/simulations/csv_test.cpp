#include "skink/simulations/import/csv.hpp"

#include <catch2/catch.hpp>
#include <sstream>

using namespace skink;
using Catch::Matchers::Contains;
using simulations::CsvReader;

namespace {

using Rows = std::vector<std::vector<std::string>>;

/// All rows, or the first error.
Result<Rows> parse(const std::string& text, char separator = ',') {
  std::istringstream stream(text);
  CsvReader csv(stream, "a.csv", separator);
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
  for (const char* text : {"a,b\n1,\n", "a,b\r\n1,\r\n", "a,b\n1,", "a,b\r\n1,\r", "\n\na,b\n\r\n1,\n\n", "a,b\r1,\r",
                           "a,b\r\r\n1,\r\r\n"}) {
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
  CHECK_THAT(error_of(std::string("a,b\n1,\0\n", 8)), Contains("a.csv:2: column 2 has a zero byte"));
  CHECK_THAT(error_of(std::string("\xff\xfe"
                                  "a\0",
                                  4)),
             Contains("a.csv:1: is UTF-16, not UTF-8; save it as \"CSV UTF-8\", or iconv -f UTF-16"));
  CHECK_THAT(error_of("\xef"
                      "a"),
             Contains("a.csv:1: is not UTF-8"));
}

TEST_CASE("csv: a row without end is refused, not kept", "[simulations][import][csv]") {
  CHECK_THAT(error_of("a\n\"" + std::string(CsvReader::kMostRowBytes + 1, 'x')),
             Contains("a.csv:2: the row is longer"));
  CHECK_THAT(error_of(std::string(CsvReader::kMostRowBytes + 1, ',')), Contains("a.csv:1: the row is longer"));
}

TEST_CASE("csv: blanks around quotes are no part of a field", "[simulations][import][csv]") {
  CHECK(parse("\"a\", \"b, c\" ,\t\"d\"\t\n").value() == Rows{{"a", "b, c", "d"}});
  CHECK(parse("\"a\"\t \"b\"\n", '\t').value() == Rows{{"a", "b"}});
  CHECK_THAT(error_of("\"a\" \"b\"\n"), Contains("a.csv:1: column 1 has text after its closing quote"));
  CHECK_THAT(error_of("a \"b\"\n"), Contains("a.csv:1: column 1 has a quote inside"));
}

TEST_CASE("csv: lines are counted whatever ends them, within quotes too", "[simulations][import][csv]") {
  std::istringstream stream("a\r\"b\rb\"\rc\r");
  CsvReader csv(stream, "a.csv");
  for (const std::uint64_t line : {1U, 2U, 4U}) {
    REQUIRE(csv.next().value());
    CHECK(csv.line() == line);
  }
}

TEST_CASE("csv: lines before the header are passed over as they are", "[simulations][import][csv]") {
  std::istringstream stream("LabVIEW \"Measurement\r\n\rDate;\nx,y\n");
  CsvReader csv(stream, "a.csv");
  CHECK(csv.skip_lines(3).value());
  CHECK(csv.next().value());
  CHECK(csv.line() == 4);
  CHECK(csv.field(1) == "y");
  CHECK_FALSE(csv.skip_lines(1).value());
}

TEST_CASE("csv: the separator is that of the header and of the lines after it", "[simulations][import][csv]") {
  const auto separator = [](const std::string& text) { return simulations::detect_dialect(text, 1).separator; };
  CHECK(separator("a,b\n1,2\n") == ',');
  CHECK(separator("a;b\n0,5;0,5\n") == ';');
  CHECK(separator("\"a, b\"\t\"c;d\"\n1\t2\n") == '\t');
  CHECK(separator("a|b|c\n") == '|');
  CHECK(separator("acc x, raw;acc y, raw\n1;2\n3;4\n") == ';');
  CHECK(separator("x,y,note\n1,2,a;b\n") == ',');
  CHECK(separator("\"say \"\"hi, you\"\", twice\";b\n") == ';');
  CHECK(separator("\"a\nb,c,d\";e\n1;2\n") == ';');
  CHECK(separator("a,b;\n1,2;\n") == ',');  // one at the end separates nothing
  CHECK(separator("a;b;\n0,5;1;\n") == ';');
  CHECK(separator("a;;\n1;2;3\n") == ';');
  CHECK(separator("alone\n") == ',');
  CHECK(separator("") == ',');
  CHECK(separator(kMark + "a;b\n") == ';');
}

TEST_CASE("csv: Excel's first line states the separator", "[simulations][import][csv]") {
  for (const char* line : {"sep=;\n", "SEP=;\r\n", "\"sep=;\"\r", "sep=; \n"}) {
    const auto dialect = simulations::detect_dialect(std::string(line) + "a,b;c,d\n", 1);
    CHECK(dialect.separator == ';');
    CHECK(dialect.lines_before == 1);
  }
  CHECK(simulations::detect_dialect("sep=\t\na\tb\n", 1).separator == '\t');
  for (const char* text : {"sep=\na,b\n", "sep=x,y\n1,2\n", "sep,a\n1,2\n"}) {
    CHECK(simulations::detect_dialect(text, 1).lines_before == 0);
  }
  CHECK(simulations::detect_dialect("sep=,\nlogger 7, 8\na;b\n1;2\n", 3).separator == ';');
  CHECK(simulations::detect_dialect("a\n", 1000000000000).lines_before == 999999999999);
}
