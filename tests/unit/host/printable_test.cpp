#include "skink/host/program/printable.hpp"

#include <catch2/catch.hpp>

using skink::printable;

TEST_CASE("printable: text of people stays as it is", "[host][program]") {
  CHECK(printable("") == "");
  CHECK(printable("a.toml:3: [meta] rounds\nb") == "a.toml:3: [meta] rounds\nb");
  CHECK(printable("Müller, 東京, 😀") == "Müller, 東京, 😀");
}

TEST_CASE("printable: nothing controls the terminal", "[host][program]") {
  CHECK(printable("\x1b[31mred") == "\\x1b[31mred");
  CHECK(printable(std::string_view("a\0b\r\t\x7f", 6)) == "a\\x00b\\x0d\\x09\\x7f");
  CHECK(printable("\xc2\x9b"
                  "31m") == "\\xc2\\x9b31m");  // U+009B begins a sequence as ESC [ does
  CHECK(printable("\x9b"
                  "31m") == "\\x9b31m");                                             // the same in Latin-1, no UTF-8
  CHECK(printable("\xc0\x9b\xed\xa0\x80\xf5") == "\\xc0\\x9b\\xed\\xa0\\x80\\xf5");  // overlong, surrogate, beyond
  CHECK(printable("\xe2\x82") == "\\xe2\\x82");                                      // cut off
}
