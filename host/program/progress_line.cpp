#include "skink/host/program/progress_line.hpp"

#include <unistd.h>

#include <cstdio>

namespace skink {

ProgressLine::ProgressLine(Verbosity verbosity) : verbosity_(verbosity), on_terminal_(isatty(STDERR_FILENO) != 0) {}

bool ProgressLine::is_due(Work work) {
  if (verbosity_ == Verbosity::kQuiet) return false;
  const auto now = std::chrono::steady_clock::now();
  const auto pause = on_terminal_ ? std::chrono::milliseconds(500) : std::chrono::milliseconds(10000);
  if (now - shown_ < pause && work == Work::kGoesOn) return false;
  shown_ = now;
  return true;
}

void ProgressLine::print(const std::string& text, Work work) {
  is_open_ = on_terminal_ && work == Work::kGoesOn;
  std::fprintf(stderr, "%s%s%s", on_terminal_ ? "\r\033[K" : "", text.c_str(), is_open_ ? "" : "\n");
  std::fflush(stderr);
}

void ProgressLine::end() {
  if (is_open_) std::fprintf(stderr, "\n");
  is_open_ = false;
}

void ProgressLine::clear() {
  if (is_open_) std::fputs("\r\033[K", stderr);
  is_open_ = false;
}

}  // namespace skink
