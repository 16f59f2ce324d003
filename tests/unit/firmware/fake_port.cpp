#include "fakes/fake_port.hpp"

#include "skink/firmware/port.hpp"

namespace skink::test {

std::string& console_text() {
  static std::string text;
  return text;
}

std::function<Status(MutableBytes)>& entropy() {
  static std::function<Status(MutableBytes)> generator;
  return generator;
}

}  // namespace skink::test

skink::Status skink::firmware::port::entropy(MutableBytes out) noexcept {
  return test::entropy() ? test::entropy()(out) : Status::kUnavailable;
}

void skink::firmware::port::console(const char* text, std::size_t count) noexcept {
  test::console_text().append(text, count);
}
