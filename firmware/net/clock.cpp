#include "skink/firmware/net/clock.hpp"

#include <lwip/apps/sntp.h>
#include <mbedtls/platform_time.h>
#include <mbedtls/platform_util.h>
#include <string.h>
#include <time.h>

#include "skink/firmware/port.hpp"

namespace skink::firmware::clock {
namespace {

constexpr int64_t kSecondsPerDay = 86400;

int64_t set_to_s = 0;  ///< the time at `set_at_ms`; 0: never set
uint64_t set_at_ms = 0;
uint16_t server_port = 123;

void set(int64_t unix_seconds) noexcept {
  set_to_s = unix_seconds;
  set_at_ms = port::now_ms();
}

}  // namespace

bool read_board() noexcept {
  int64_t seconds = 0;
  if (port::wall_time(seconds) != Status::kOk) return false;
  set(seconds);
  return true;
}

void ask(const ip_addr_t& server, uint16_t port) noexcept {
  server_port = port;
  sntp_stop();
  sntp_setoperatingmode(SNTP_OPMODE_POLL);
  sntp_setserver(0, &server);
  sntp_init();
}

void forget() noexcept {
  sntp_stop();
  set_to_s = 0;
}

bool is_set() noexcept { return set_to_s != 0; }

int64_t now_s() noexcept {
  if (set_to_s == 0) return 0;
  return set_to_s + static_cast<int64_t>((port::now_ms() - set_at_ms) / 1000);
}

}  // namespace skink::firmware::clock

extern "C" {

unsigned short skink_time_server_port(void) { return skink::firmware::clock::server_port; }

void skink_set_network_time(unsigned long unix_seconds) {
  skink::firmware::clock::set(static_cast<int64_t>(unix_seconds));
}

/// For timeouts and the age of tickets; of TLS 1.2 on a client nothing asks.
mbedtls_ms_time_t mbedtls_ms_time(void) { return static_cast<mbedtls_ms_time_t>(skink::firmware::port::now_ms()); }

/// Days to a date, after Howard Hinnant, "chrono-compatible low-level date algorithms", civil_from_days. newlib's
/// gmtime_r would bring time zones along.
struct tm* mbedtls_platform_gmtime_r(const mbedtls_time_t* time, struct tm* out) {
  const auto seconds = static_cast<int64_t>(*time);
  const int64_t days = seconds / skink::firmware::clock::kSecondsPerDay + 719468;
  const auto second = static_cast<int>(seconds % skink::firmware::clock::kSecondsPerDay);
  const int64_t era = days / 146097;
  const auto day_of_era = static_cast<int>(days - era * 146097);
  const int year_of_era = (day_of_era - day_of_era / 1460 + day_of_era / 36524 - day_of_era / 146096) / 365;
  const int day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
  const int shifted_month = (5 * day_of_year + 2) / 153;  // from March
  memset(out, 0, sizeof *out);
  out->tm_mday = day_of_year - (153 * shifted_month + 2) / 5 + 1;
  out->tm_mon = shifted_month < 10 ? shifted_month + 2 : shifted_month - 10;
  out->tm_year = static_cast<int>(year_of_era + era * 400) + (out->tm_mon <= 1 ? 1 : 0) - 1900;
  out->tm_hour = second / 3600;
  out->tm_min = second / 60 % 60;
  out->tm_sec = second % 60;
  return out;
}

}  // extern "C"
