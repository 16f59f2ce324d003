#include "skink/host/program/event_log.hpp"

#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <boost/json.hpp>
#include <catch2/catch.hpp>
#include <cstdlib>
#include <regex>

#include "skink/host/program/time_of_day.hpp"

using skink::EventLog;
using skink::LogFormat;
using skink::LogLevel;
using skink::LogLine;
using skink::RepeatFilter;

namespace {

constexpr const char* kAt = "2026-11-29T18:30:00.250Z";

/// What the log writes on standard error.
std::string written(LogFormat format, LogLevel least, const std::vector<LogLine>& lines) {
  int ends[2];
  REQUIRE(::pipe(ends) == 0);
  const int kept = ::dup(STDERR_FILENO);
  ::dup2(ends[1], STDERR_FILENO);
  EventLog log("test");
  log.set_format(format);
  log.set_least(least);
  for (const LogLine& line : lines) log.write(line);
  ::dup2(kept, STDERR_FILENO);
  ::close(kept);
  ::close(ends[1]);
  std::string text;
  char part[4096];
  for (ssize_t count = 0; (count = ::read(ends[0], part, sizeof part)) > 0;) {
    text.append(part, static_cast<std::size_t>(count));
  }
  ::close(ends[0]);
  return text;
}

}  // namespace

TEST_CASE("event_log: a line has date, level, name and text, and controls nothing", "[host][program]") {
  CHECK(skink::log_text({LogLevel::kWarning, "broker.lost", "no answer", 3, ""}, "2026-11-29T18:30:00Z") ==
        "2026-11-29T18:30:00Z warning broker.lost: no answer");
  CHECK(skink::log_text({LogLevel::kInfo, "a", "one\ntwo\x1b[31m", 0, ""}, "2026-11-29T18:30:00Z") ==
        "2026-11-29T18:30:00Z info a: one | two\\x1b[31m");
}

TEST_CASE("event_log: a JSON line is an object with fields that are there", "[host][program]") {
  const auto said = boost::json::parse(
      skink::log_json({LogLevel::kError, "run.failed", "it \"failed\"\n\x1b[31m\xff", 7, "pump-1"}, kAt));
  CHECK(said == boost::json::value({{"ts", kAt},
                                    {"level", "error"},
                                    {"event", "run.failed"},
                                    {"run", 7},
                                    {"device", "pump-1"},
                                    {"msg", "it \"failed\" | \\x1b[31m\\xff"}}));
  const auto none = boost::json::parse(skink::log_json({LogLevel::kInfo, "http.listens", "x", 0, ""}, kAt));
  CHECK(none.at("run").is_null());
  CHECK(none.at("device").is_null());
}

TEST_CASE("event_log: lines go to standard error, what matters less does not", "[host][program]") {
  const std::vector<LogLine> lines{{LogLevel::kDebug, "a", "x", 0, ""}, {LogLevel::kError, "b", "y", 0, ""}};
  const std::regex one("\\d{4}-\\d\\d-\\d\\dT\\d\\d:\\d\\d:\\d\\dZ error b: y\n");
  CHECK(std::regex_match(written(LogFormat::kText, LogLevel::kInfo, lines), one));
  const std::string json = written(LogFormat::kJson, LogLevel::kDebug, lines);
  CHECK(std::count(json.begin(), json.end(), '\n') == 2);
  CHECK(boost::json::parse(json.substr(0, json.find('\n'))).at("level") == "debug");
}

TEST_CASE("event_log: lines for the journal have its prefix of the level", "[host][program]") {
  int ends[2];
  REQUIRE(::pipe(ends) == 0);
  struct stat file {};
  REQUIRE(::fstat(ends[1], &file) == 0);
  const int kept = ::dup(STDERR_FILENO);
  ::dup2(ends[1], STDERR_FILENO);
  ::setenv("JOURNAL_STREAM", (std::to_string(file.st_dev) + ":" + std::to_string(file.st_ino)).c_str(), 1);
  EventLog("test").write({LogLevel::kWarning, "a", "x", 0, ""});
  ::unsetenv("JOURNAL_STREAM");
  ::dup2(kept, STDERR_FILENO);
  ::close(kept);
  ::close(ends[1]);
  char part[100] = {};
  const bool has_journal = ::access("/run/systemd/journal/socket", W_OK) == 0;  // then the line is there, with fields
  const ssize_t count = ::read(ends[0], part, sizeof part - 1);
  ::close(ends[0]);
  CHECK((count > 0) != has_journal);
  if (!has_journal) CHECK(std::regex_match(part, std::regex("<4>\\d{4}-.*Z warning a: x\n")));
}

TEST_CASE("time_of_day: the calendar's text of a time", "[host][program]") {
  CHECK(skink::utc_text(0) == "1970-01-01T00:00:00Z");
  CHECK(skink::utc_text(1795977000) == "2026-11-29T18:30:00Z");
}

TEST_CASE("repeat_filter: a wait is said at once, then after 1, 5 and 30 minutes", "[host][program]") {
  RepeatFilter filter;
  const std::chrono::steady_clock::time_point start{};
  std::vector<int> said;
  for (int minute = 0; minute <= 100; ++minute) {
    if (filter.is_due("waiting", start + std::chrono::minutes(minute))) said.push_back(minute);
  }
  CHECK(said == std::vector<int>{0, 1, 6, 36, 66, 96});
  CHECK(filter.is_due("there", start + std::chrono::minutes(101)));
  CHECK(filter.is_due("waiting", start + std::chrono::minutes(101)));
  CHECK_FALSE(filter.is_due("waiting", start + std::chrono::minutes(101)));
}
