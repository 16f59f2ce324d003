#include "fakes/fake_port.hpp"

#include "skink/firmware/port.hpp"

namespace skink::test {

std::string& console_text() {
  static std::string text;
  return text;
}

}  // namespace skink::test

void skink::firmware::port::console(const char* text, std::size_t count) noexcept {
  test::console_text().append(text, count);
}
