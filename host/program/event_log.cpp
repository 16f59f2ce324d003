#include "skink/host/program/event_log.hpp"

#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>
// The place in the source says nothing to an operator.
#define SD_JOURNAL_SUPPRESS_LOCATION
#include <systemd/sd-journal.h>

#include <algorithm>
#include <array>
#include <boost/json.hpp>
#include <cerrno>
#include <cstdlib>
#include <vector>

#include "skink/host/program/printable.hpp"
#include "skink/host/program/time_of_day.hpp"

namespace skink {
namespace {

constexpr std::array<const char*, 4> kLevels{"debug", "info", "warning", "error"};
constexpr std::array<int, 4> kPriorities{7, 6, 4, 3};  // of syslog
constexpr std::array<std::chrono::minutes, 3> kSilences{std::chrono::minutes(1), std::chrono::minutes(5),
                                                        std::chrono::minutes(30)};

/// Absent where the process sees another root: sd_journal_sendv() would drop the line and say nothing.
constexpr const char* kJournal = "/run/systemd/journal/socket";

std::string one_line(const std::string& text) {
  std::string line;
  for (const char c : printable(text)) {
    if (c == '\n') {
      line += " | ";
    } else {
      line += c;
    }
  }
  return line;
}

/// Does JOURNAL_STREAM, "device:inode", name standard error?
bool is_journal() {
  const char* stream = std::getenv("JOURNAL_STREAM");
  struct stat file {};
  if (stream == nullptr || ::fstat(STDERR_FILENO, &file) != 0) return false;
  return fmt::format("{}:{}", file.st_dev, file.st_ino) == stream;
}

}  // namespace

const char* log_level_text(LogLevel level) { return kLevels[static_cast<std::size_t>(level)]; }

std::string log_text(const LogLine& line, const std::string& at) {
  return fmt::format("{} {} {}: {}", at, log_level_text(line.level), one_line(line.event), one_line(line.text));
}

std::string log_json(const LogLine& line, const std::string& at) {
  boost::json::object object{{"ts", at}, {"level", log_level_text(line.level)}, {"event", one_line(line.event)}};
  object["run"] = line.run == 0 ? boost::json::value() : boost::json::value(line.run);
  object["device"] = line.device.empty() ? boost::json::value() : boost::json::value(one_line(line.device));
  object["msg"] = one_line(line.text);
  return boost::json::serialize(object);
}

EventLog::EventLog(std::string program) : program_(std::move(program)), is_journal_(is_journal()) {}

bool EventLog::write_to_journal(const LogLine& line) const {
  const bool is_json = format_ == LogFormat::kJson;
  std::vector<std::string> fields{
      "MESSAGE=" + (is_json ? log_json(line, utc_now_ms()) : one_line(line.event) + ": " + one_line(line.text)),
      fmt::format("PRIORITY={}", kPriorities[static_cast<std::size_t>(line.level)]), "SYSLOG_IDENTIFIER=" + program_,
      "SKINK_EVENT=" + one_line(line.event)};
  if (line.run != 0) fields.push_back(fmt::format("SKINK_RUN={}", line.run));
  if (!line.device.empty()) fields.push_back("SKINK_DEVICE=" + one_line(line.device));
  std::vector<struct iovec> parts;
  for (std::string& field : fields) parts.push_back({field.data(), field.size()});
  return ::sd_journal_sendv(parts.data(), static_cast<int>(parts.size())) == 0;
}

void EventLog::write(const LogLine& line) const {
  if (line.level < least_) return;
  if (is_journal_ && ::access(kJournal, W_OK) == 0 && write_to_journal(line)) return;
  std::string text;
  if (is_journal_) text = fmt::format("<{}>", kPriorities[static_cast<std::size_t>(line.level)]);  // sd-daemon(3)
  text += format_ == LogFormat::kJson ? log_json(line, utc_now_ms()) : log_text(line, utc_now());
  text += '\n';
  std::size_t done = 0;
  while (done < text.size()) {
    const ssize_t count = ::write(STDERR_FILENO, text.data() + done, text.size() - done);
    if (count < 0 && errno != EINTR) return;
    if (count > 0) done += static_cast<std::size_t>(count);
  }
}

bool RepeatFilter::is_due(const std::string& text, std::chrono::steady_clock::time_point now) {
  if (text == last_ && now - said_ < kSilences[std::min(repeats_, kSilences.size() - 1)]) return false;
  repeats_ = text == last_ ? repeats_ + 1 : 0;
  last_ = text;
  said_ = now;
  return true;
}

}  // namespace skink
