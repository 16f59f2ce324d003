#pragma once
/// @file
/// A line on standard error that shows the progress of long work. Not thread-safe.

#include <chrono>
#include <string>

namespace skink {

/// Whether a program's user wants to see progress.
enum class Verbosity { kQuiet, kNormal };
/// Whether a line is the last one.
enum class Work { kGoesOn, kIsDone };

/// A line that is written over itself, twice a second on a terminal; elsewhere a line of its own every ten seconds.
class ProgressLine {
 public:
  /// Nothing is printed yet; whether standard error is a terminal is looked up here. kQuiet: is_due() is never true.
  explicit ProgressLine(Verbosity verbosity);

  /// To be asked before a text is made: whether print() is due now. Never when quiet.
  /// Always due when the work is done.
  bool is_due(Work work = Work::kGoesOn);
  /// When the work is done the line stays, and what is printed next begins a line of its own.
  void print(const std::string& text, Work work = Work::kGoesOn);
  /// The line stays as it is; what is printed next begins a line of its own.
  void end();
  /// The line goes, if it would be written over.
  void clear();

 private:
  Verbosity verbosity_;
  bool on_terminal_;
  bool is_open_ = false;  ///< it would be written over
  std::chrono::steady_clock::time_point shown_;
};

}  // namespace skink
