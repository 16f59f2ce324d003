/// Cells of foreign files: texts, numbers, moments of time, and the numbers that names get.

#include <catch2/catch.hpp>

#include "import/cell_number.hpp"
#include "import/cell_text.hpp"
#include "import/names.hpp"
#include "import/suspects.hpp"

using namespace skink;
using namespace skink::simulations;
using Catch::Matchers::Contains;

namespace {

Result<double> number(const std::string& text, char separator = ';') {
  DecimalMarks marks;
  return parse_number(text, separator, 7, marks);
}

}  // namespace

TEST_CASE("import: texts that JSON cannot hold have a fault", "[simulations][import]") {
  for (const char* text : {"", "plain", "Gerät", "m/s²", "手", "\xf0\x9f\x9a\x80", "\xef\xbf\xbf", "\xc2\xa0"}) {
    CHECK(text_fault(text).empty());
  }
  CHECK_THAT(text_fault("Ger\xe4t"), Contains("is not UTF-8: byte 0xe4, as in Latin-1 or Windows-1252"));
  for (const char* text : {"\xc0\xaf", "\xe0\x80\xaf", "\xed\xa0\x80", "\xf4\x90\x80\x80", "\xf5", "\xc3", "\xe6\x89",
                           "\xf0\x9f\x9a", "\x80", "\xfe"}) {
    CHECK_THAT(text_fault(text), Contains("is not UTF-8"));
  }
  CHECK_THAT(text_fault("a\x1f"), Contains("control character, 0x1f"));
  CHECK_THAT(text_fault("a\x7f"), Contains("control character"));
  CHECK_THAT(text_fault("a\xc2\x85"), Contains("control character"));  // C1, a Windows-1252 file taken for Latin-1
  CHECK_THAT(text_fault("a\nb"), Contains("line break"));
  CHECK(shown("a\x1f\xff\xc3") == "\"a???\"");
  CHECK(shown(std::string(39, 'x') + "ä") == "\"" + std::string(39, 'x') + "...\"");
  CHECK(trimmed("\xc2\xa0 a b\t\xc2\xa0") == "a b");
}

TEST_CASE("import: numbers have one decimal mark and no others", "[simulations][import]") {
  CHECK(number("0,5").value() == 0.5);
  CHECK(number("-1,25e3").value() == -1250);
  CHECK(number("+7").value() == 7);
  CHECK(number("0.5").value() == 0.5);
  const std::string minus = "\xe2\x88\x92";  // U+2212
  CHECK(number(minus + "0,5").value() == -0.5);
  CHECK_THAT(number("\xe2\x88\x92-1").error().message, Contains("is not a number"));
  CHECK_THAT(number("5.5 %").error().message, Contains("is not a number; remove \"%\" after it"));
  CHECK_THAT(number("0.5g").error().message, Contains("remove \"g\" after it"));
  CHECK_THAT(number("0,5", ',').error().message, Contains("\"0,5\" has a decimal comma"));
  const std::string no_break_space = "\xc2\xa0";
  for (const std::string& text : std::vector<std::string>{"1.234,5", "1,234.5", "1 234,5", "1'234", "1,234,567",
                                                          "12.345.678", "1" + no_break_space + "234"}) {
    CHECK_THAT(number(text).error().message, Contains("has marks between thousands"));
    CHECK_THAT(number(text, ',').error().message, Contains("has marks between thousands"));
  }
  for (const char* text : {"1 2", "1,2,3", ",", "1.2.3", "0x1F", "5 %", "--1", "1e", "one"}) {
    CHECK_THAT(number(text).error().message, Contains("is not a number"));
  }
  CHECK_THAT(number("NA").error().message, Contains("fill the gap or leave the row out"));
  CHECK_THAT(number("1.3.2026 12:30").error().message, Contains("but a time stamp") && Contains("--time"));
}

TEST_CASE("import: decimal commas beside decimal points are refused", "[simulations][import]") {
  DecimalMarks marks;
  CHECK(parse_number("0,5", ';', 2, marks).value() == 0.5);
  CHECK(parse_number("7", ';', 3, marks).value() == 7);
  CHECK_THAT(parse_number("1.234", ';', 4, marks).error().message,
             Contains("\"1.234\": line 2 has a decimal comma") && Contains("nothing between thousands"));
}

TEST_CASE("import: moments of ISO 8601 are seconds", "[simulations][import]") {
  CHECK(parse_iso8601("1970-01-02").value() == 86400);
  CHECK(parse_iso8601("2026-03-01T12:30:00Z").value() == 1772368200);
  CHECK(parse_iso8601("2026-03-01 12:30:00.25").value() == 1772368200.25);
  CHECK(parse_iso8601("2026-03-01T12:30:00,25+01:00").value() == 1772364600.25);
  CHECK(parse_iso8601("2026-03-01T12:30-0130").value() == 1772373600);
  CHECK(parse_iso8601("2026-03-01 12:30:00 +00").value() == 1772368200);
  CHECK(parse_iso8601("2024-02-29").has_value());
  CHECK(parse_iso8601("1969-12-31T23:59:59Z").value() == -1);
  CHECK(parse_iso8601("00:01:00.5").value() == 60.5);
  for (const char* text :
       {"", "2026-02-29", "2026-13-01", "2026-1-1", "2026-03-01T", "2026-03-01T25:00", "12:60", "2026-03-01T12:30:00.",
        "2026-03-01T12:30:00Q", "2026-03-01T12:30:00+1", "17", "12:30:00 PM", "01.03.2026", "2026-03-01T12:30:00Z1"}) {
    CHECK_FALSE(parse_iso8601(text).has_value());
  }
  CHECK(looks_like_time("01.03.2026 12:30"));
  CHECK(looks_like_time("3/1/2026"));
  CHECK(looks_like_time("12:30:00 PM"));
  CHECK_FALSE(looks_like_time("-1.5e-3"));
  CHECK_FALSE(looks_like_time("123456"));
}

TEST_CASE("import: names of times are told from those of features", "[simulations][import]") {
  for (const char* name : {"time", "Time (s)", "timestamp", "ts", "Date", "seconds_elapsed", "loggingTime(txt)", "Zeit",
                           "unix_timestamp_ms", "Zeit [s]", "TIME", "X_time"}) {
    CHECK(names_a_time(name));
  }
  for (const char* name :
       {"rise_time", "time_domain_mean", "x", "ms", "status", "", "tsunami", "peak time ratio", "s"}) {
    CHECK_FALSE(names_a_time(name));
  }
}

TEST_CASE("import: names that are all numbers are numbered in their order", "[simulations][import]") {
  const auto order = [](std::initializer_list<const char*> texts) {
    Names names;
    for (const char* text : texts) CHECK(names.add(text));
    names.number();
    for (std::size_t i = 0; i < names.size(); ++i) CHECK(names.number_of(names.texts()[i]) == i);
    CHECK(names.number_of("absent") == names.size());
    return names.texts();
  };
  CHECK(order({"10", "2", "1", "2"}) == std::vector<std::string>{"1", "2", "10"});
  CHECK(order({"0.5", "-3", "1e1", "01", "1"}) == std::vector<std::string>{"-3", "0.5", "01", "1", "1e1"});
  CHECK(order({"10", "2", "b"}) == std::vector<std::string>{"10", "2", "b"});
  CHECK(order({"nan", "1"}) == std::vector<std::string>{"1", "nan"});
}
