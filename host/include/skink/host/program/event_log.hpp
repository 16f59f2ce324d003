#pragma once
/// @file
/// The log of a service, on standard error: one line an event, with a date, a level and a name that does not change.
/// docs/operating.md, "The log". Not for programs that end by themselves.

#include <chrono>
#include <cstdint>
#include <string>

namespace skink {

/// How much a line of the log matters.
enum class LogLevel : std::uint8_t { kDebug, kInfo, kWarning, kError };
/// "debug", "info", "warning", "error".
const char* log_level_text(LogLevel level);

/// How lines are written: for people, or as one JSON object a line.
enum class LogFormat : std::uint8_t { kText, kJson };

/// Something that happened.
struct LogLine {
  LogLevel level = LogLevel::kInfo;
  std::string event;        ///< stable name: "run.phase"
  std::string text;         ///< foreign text is welcome: what controls a terminal is made visible
  std::uint64_t run = 0;    ///< of which run; 0: of none
  std::string device = {};  ///< id; empty: of none
};

/// "2026-11-29T18:30:00Z warning broker.lost: ..." in one line, without its end. Control characters are made
/// visible, ends of lines become " | ".
std::string log_text(const LogLine& line, const std::string& at);
/// {"ts", "level", "event", "run", "device", "msg"}; run and device are null where there is none.
std::string log_json(const LogLine& line, const std::string& at);

/// Writes each line at once. Where standard error is the journal (JOURNAL_STREAM, systemd.exec(5)), the line goes there
/// with its fields: PRIORITY, SKINK_EVENT, SKINK_RUN, SKINK_DEVICE. Thread-safe: a line is one system call.
class EventLog {
 public:
  /// @param[in] program  its name in the journal
  explicit EventLog(std::string program);

  /// From now on; before any other thread writes.
  void set_format(LogFormat format) { format_ = format; }
  /// Leaves out what matters less; before any other thread writes.
  void set_least(LogLevel least) { least_ = least; }
  /// A log that cannot be written is no reason to stop: nobody is told.
  void write(const LogLine& line) const;

 private:
  bool write_to_journal(const LogLine& line) const;

  std::string program_;
  LogFormat format_ = LogFormat::kText;
  LogLevel least_ = LogLevel::kInfo;
  bool is_journal_;
};

/// Lets a line through when it is another than the last one, or was not said for a while: a wait is said at once, then
/// after 1, 5 and each further 30 minutes.
class RepeatFilter {
 public:
  /// Is `text` to be said at this time? Then it counts as said.
  bool is_due(const std::string& text, std::chrono::steady_clock::time_point now = std::chrono::steady_clock::now());

 private:
  std::string last_;
  std::size_t repeats_ = 0;
  std::chrono::steady_clock::time_point said_;
};

}  // namespace skink
