#include "skink/host/program/time_of_day.hpp"

#include <chrono>
#include <ctime>

namespace skink {

std::uint64_t unix_time_ms() {
  const auto now = std::chrono::system_clock::now().time_since_epoch();
  return static_cast<std::uint64_t>(std::chrono::duration_cast<std::chrono::milliseconds>(now).count());
}

std::string utc_text(std::uint64_t unix_s) {
  const auto time = static_cast<std::time_t>(unix_s);
  std::tm parts{};
  gmtime_r(&time, &parts);
  char text[32];
  std::strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%SZ", &parts);
  return text;
}

std::string utc_now() { return utc_text(static_cast<std::uint64_t>(std::time(nullptr))); }

std::string utc_now_ms() {
  const std::uint64_t now_ms = unix_time_ms();
  std::string text = utc_text(now_ms / 1000);
  text.pop_back();
  const std::string ms = std::to_string(1000 + now_ms % 1000);
  return text + "." + ms.substr(1) + "Z";
}

}  // namespace skink
