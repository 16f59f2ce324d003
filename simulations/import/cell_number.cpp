#include "cell_number.hpp"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <limits>

#include "cell_text.hpp"

namespace skink::simulations {
namespace {

constexpr std::string_view kDigits = "0123456789";

Error refuse(const std::string& reason) { return make_error(Status::kDamaged, reason); }

/// Digits in groups of three, between them marks of thousands, then perhaps another mark and decimals: 1.234,5 or
/// 1 234 or 12'345'678.
bool has_thousands(std::string_view text) {
  if (!text.empty() && (text.front() == '-' || text.front() == '+')) text.remove_prefix(1);
  const std::size_t first = text.find_first_not_of(kDigits);
  if (first == 0 || first > 3 || first == std::string_view::npos) return false;
  std::size_t mark_bytes = 1;
  for (const std::string_view mark : {".", ",", " ", "'", "_", "\xc2\xa0", "\xe2\x80\xaf", "\xe2\x80\x99"}) {
    if (text.substr(first, mark.size()) == mark) mark_bytes = mark.size();
  }
  const std::string_view mark = text.substr(first, mark_bytes);
  std::size_t groups = 0;
  std::string_view rest = text.substr(first);
  while (rest.substr(0, mark_bytes) == mark) {
    rest.remove_prefix(mark_bytes);
    const std::size_t digits = std::min(rest.find_first_not_of(kDigits), rest.size());
    if (digits != 3) return false;
    rest.remove_prefix(digits);
    ++groups;
  }
  if (groups == 0 || rest.empty()) return groups > 0;
  const bool is_decimal = rest.front() == '.' || rest.front() == ',';
  return is_decimal && rest.find_first_not_of(kDigits, 1) == std::string_view::npos;
}

Result<double> in_range(std::string_view whole, double number, std::errc code) {
  const bool is_beyond = code == std::errc::result_out_of_range;
  if (!is_beyond && !std::isfinite(number)) return refuse(shown(whole) + " is not a finite number");
  constexpr double kLargest = static_cast<double>(std::numeric_limits<float>::max());  // devices compute with float32
  if (is_beyond || std::abs(number) > kLargest) return refuse(shown(whole) + " is too large or too small for float32");
  return number;
}

struct Parsed {
  double number = 0;
  std::errc code = std::errc::invalid_argument;
};

/// The sign that typesetting knows, U+2212.
constexpr std::string_view kMinus = "\xe2\x88\x92";

Parsed parse_plain(std::string_view text) {
  Parsed parsed;
  if (text.substr(0, kMinus.size()) == kMinus) {
    parsed = parse_plain(text.substr(kMinus.size()));
    if (text.substr(kMinus.size(), 1).find_first_of("+-") == 0) parsed.code = std::errc::invalid_argument;
    parsed.number = -parsed.number;
    return parsed;
  }
  if (text.size() > 1 && text.front() == '+' && text[1] != '-') text.remove_prefix(1);
  const auto [end, code] = std::from_chars(text.data(), text.data() + text.size(), parsed.number);
  if (end == text.data() + text.size()) parsed.code = code;
  return parsed;
}

/// "5 %", "0.3g": a number and something after it.
std::string_view after_number(std::string_view text) {
  double ignored = 0;
  const auto parsed = std::from_chars(text.data(), text.data() + text.size(), ignored);
  if (parsed.ec != std::errc()) return {};
  const std::string_view rest = trimmed(text.substr(static_cast<std::size_t>(parsed.ptr - text.data())));
  return rest.find_first_of("0123456789.,:/-") == std::string_view::npos ? rest : std::string_view();
}

std::string what_it_is(std::string_view text) {
  if (has_thousands(text)) return " has marks between thousands; write its digits without them, as 1234.5";
  if (is_missing(text)) return " is not a number; fill the gap or leave the row out";
  if (looks_like_time(text)) {
    return " is not a number but a time stamp; name its column with --time, or the sample's columns with --columns";
  }
  const std::string_view rest = after_number(text);
  if (!rest.empty()) return " is not a number; remove " + shown(rest) + " after it, in the whole column";
  return " is not a number";
}

Result<void> note(std::uint64_t& own, std::uint64_t other, std::uint64_t line, std::string_view text,
                  const char* other_mark) {
  if (own == 0) own = line;
  if (other == 0) return {};
  return refuse(shown(text) + ": line " + std::to_string(other) + " has a decimal " + other_mark +
                "; write all numbers with one decimal mark, and nothing between thousands");
}

/// Takes `count` digits.
bool take_digits(std::string_view& text, std::size_t count, int& number) {
  if (text.size() < count || text.substr(0, count).find_first_not_of(kDigits) != std::string_view::npos) return false;
  std::from_chars(text.data(), text.data() + count, number);
  text.remove_prefix(count);
  return true;
}

bool take(std::string_view& text, std::string_view any_of) {
  if (text.empty() || any_of.find(text.front()) == std::string_view::npos) return false;
  text.remove_prefix(1);
  return true;
}

/// Days from 1970-01-01 in the Gregorian calendar; Howard Hinnant, "chrono-Compatible Low-Level Date Algorithms".
double days_from_civil(int year, int month, int day) {
  const int y = month <= 2 ? year - 1 : year;
  const int era = (y >= 0 ? y : y - 399) / 400;
  const int year_of_era = y - era * 400;
  const int day_of_year = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1;
  const int day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
  return static_cast<double>(era) * 146097 + day_of_era - 719468;
}

int days_of_month(int year, int month) {
  constexpr int kDays[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
  const bool is_leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
  return month == 2 && is_leap ? 29 : kDays[month - 1];
}

/// 2026-03-01
bool take_date(std::string_view& text, double& seconds) {
  int year = 0;
  int month = 0;
  int day = 0;
  const bool is_date = take_digits(text, 4, year) && take(text, "-") && take_digits(text, 2, month) &&
                       take(text, "-") && take_digits(text, 2, day);
  if (!is_date || month < 1 || month > 12 || day < 1 || day > days_of_month(year, month)) return false;
  seconds = days_from_civil(year, month, day) * 86400;
  return true;
}

/// 12:30, 12:30:00 or 12:30:00.250
bool take_time(std::string_view& text, double& seconds) {
  int hour = 0;
  int minute = 0;
  int second = 0;
  if (!take_digits(text, 2, hour) || !take(text, ":") || !take_digits(text, 2, minute)) return false;
  double fraction = 0;
  if (take(text, ":")) {
    if (!take_digits(text, 2, second)) return false;
    if (take(text, ".,")) {
      if (text.empty() || !is_digit(text.front())) return false;
      for (double unit = 0.1; !text.empty() && is_digit(text.front()); unit /= 10) {
        fraction += unit * (text.front() - '0');
        text.remove_prefix(1);
      }
    }
  }
  if (hour > 24 || minute > 59 || second > 60) return false;
  seconds += hour * 3600.0 + minute * 60.0 + second + fraction;
  return true;
}

/// Z, +01, +0100 or +01:00; or nothing.
bool take_zone(std::string_view& text, double& seconds) {
  if (text.empty() || take(text, "Zz")) return true;
  const double sign = text.front() == '-' ? 1 : -1;
  int hours = 0;
  int minutes = 0;
  if (!take(text, "+-") || !take_digits(text, 2, hours)) return false;
  take(text, ":");
  if (!text.empty() && !take_digits(text, 2, minutes)) return false;
  if (hours > 23 || minutes > 59) return false;
  seconds += sign * (hours * 3600.0 + minutes * 60.0);
  return true;
}

}  // namespace

Result<double> parse_number(std::string_view text, char separator, std::uint64_t line, DecimalMarks& marks) {
  const auto commas = std::count(text.begin(), text.end(), ',');
  const bool has_point = text.find('.') != std::string_view::npos;
  const Parsed plain = parse_plain(text);
  if (plain.code != std::errc::invalid_argument) {
    if (has_point) {
      const Result<void> noted = note(marks.point_line, marks.comma_line, line, text, "comma");
      if (!noted) return noted.error();
    }
    return in_range(text, plain.number, plain.code);
  }
  if (commas != 1 || has_point) return refuse(shown(text) + what_it_is(text));
  std::string with_point(text);
  with_point[text.find(',')] = '.';
  const Parsed decimal = parse_plain(with_point);
  if (decimal.code == std::errc::invalid_argument) return refuse(shown(text) + what_it_is(text));
  if (separator == ',') {
    return refuse(shown(text) +
                  " has a decimal comma (or a mark of thousands); write 0.5 for 0,5, or separate the "
                  "file's columns by semicolons");
  }
  const Result<void> noted = note(marks.comma_line, marks.point_line, line, text, "point");
  if (!noted) return noted.error();
  return in_range(text, decimal.number, decimal.code);
}

bool is_missing(std::string_view text) {
  constexpr std::string_view kWords[] = {"",    "NA",  "N/A", "n/a",  "#N/A", "#NV",
                                         "NaN", "nan", "NAN", "null", "NULL", "None"};
  return std::find(std::begin(kWords), std::end(kWords), text) != std::end(kWords);
}

std::optional<double> parse_iso8601(std::string_view text) {
  double seconds = 0;
  std::string_view rest = text;
  if (take_date(rest, seconds)) {
    if (rest.empty()) return seconds;
    if (!take(rest, "Tt ")) return std::nullopt;
  } else {
    rest = text;
    seconds = 0;
  }
  if (!take_time(rest, seconds)) return std::nullopt;
  while (take(rest, " ")) {
  }
  if (!take_zone(rest, seconds) || !rest.empty()) return std::nullopt;
  return seconds;
}

bool looks_like_time(std::string_view text) {
  if (text.size() < 5 || !is_digit(text.front())) return false;
  if (parse_iso8601(text)) return true;
  const auto parts = [text](char mark) { return std::count(text.begin(), text.end(), mark); };
  const bool is_plain = text.find_first_not_of("0123456789.:/-,TZ +APMapm") == std::string_view::npos;
  return is_plain && (parts(':') > 0 || parts('/') == 2 || parts('-') == 2 || parts('.') == 2);
}

}  // namespace skink::simulations
