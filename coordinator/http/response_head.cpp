#include "response_head.hpp"

#include <array>
#include <ctime>
#include <string_view>

namespace skink::coordinator::http {
namespace {

void add_value(std::string& head, std::string_view value) {
  for (const char c : value) head += static_cast<unsigned char>(c) < 0x20 || c == 0x7f ? ' ' : c;
}

void add_header(std::string& head, std::string_view name, std::string_view value) {
  add_value(head, name);
  head += ": ";
  add_value(head, value);
  head += "\r\n";
}

/// RFC 9110, section 5.6.7. Spelt out: strftime() follows the locale.
std::string http_date(std::time_t time) {
  static constexpr std::array<const char*, 7> kDays = {"Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"};
  static constexpr std::array<const char*, 12> kMonths = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                                          "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
  std::tm utc{};
  gmtime_r(&time, &utc);
  const auto two = [](int n) { return (n < 10 ? "0" : "") + std::to_string(n); };
  return std::string(kDays[static_cast<std::size_t>(utc.tm_wday)]) + ", " + two(utc.tm_mday) + " " +
         kMonths[static_cast<std::size_t>(utc.tm_mon)] + " " + std::to_string(utc.tm_year + 1900) + " " +
         two(utc.tm_hour) + ":" + two(utc.tm_min) + ":" + two(utc.tm_sec) + " GMT";
}

}  // namespace

std::string response_head(const Response& response, std::optional<std::size_t> content_bytes, After after) {
  std::string head = "HTTP/1.1 " + std::to_string(response.status) + " " + status_phrase(response.status) + "\r\n";
  add_header(head, "Date", http_date(std::time(nullptr)));
  add_header(head, "Connection", after == After::kClose ? "close" : "keep-alive");
  if (content_bytes && has_content(response.status)) {
    add_header(head, "Content-Length", std::to_string(*content_bytes));
  }
  if (!response.content_type.empty()) add_header(head, "Content-Type", response.content_type);
  if (!response.cache_control.empty()) add_header(head, "Cache-Control", response.cache_control);
  for_each_security_header([&](const char* name, const char* value) { add_header(head, name, value); });
  for (const auto& [name, value] : response.headers) add_header(head, name, value);
  head += "\r\n";
  return head;
}

}  // namespace skink::coordinator::http
