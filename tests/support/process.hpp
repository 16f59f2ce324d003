#pragma once
/// @file
/// A child process of a test: started, watched, and ended with the test whatever happens to it.

#include <sys/types.h>

#include <chrono>
#include <optional>
#include <string>
#include <vector>

namespace skink::test {

class Process {
 public:
  /// @param[in] command  program (looked up in PATH) and arguments.
  /// @param[in] output_file  gets stdout and stderr, appended.
  Process(const std::vector<std::string>& command, const std::string& output_file);
  /// SIGKILL, if it still runs.
  ~Process();
  Process(const Process&) = delete;
  Process& operator=(const Process&) = delete;

  pid_t id() const noexcept { return id_; }
  bool is_running();
  void signal(int number) const;
  /// The exit status (128 + signal when killed); nothing when it still runs after `timeout`.
  std::optional<int> wait(std::chrono::milliseconds timeout);

 private:
  pid_t id_ = -1;
  std::optional<int> status_;
};

/// A whole file; empty when there is none.
std::string read_file(const std::string& path);

/// Is `program` in PATH or /usr/sbin?
bool is_installed(const std::string& program);

/// A TCP port that was free on 127.0.0.1 a moment ago.
int free_port();

bool accepts_connections(int port);

/// Asks `condition` every 20 ms, for at most `timeout`.
template <class Condition>
bool wait_until(std::chrono::milliseconds timeout, Condition condition);

void sleep_for(std::chrono::milliseconds duration);

template <class Condition>
bool wait_until(std::chrono::milliseconds timeout, Condition condition) {
  const auto deadline = std::chrono::steady_clock::now() + timeout;
  while (!condition()) {
    if (std::chrono::steady_clock::now() >= deadline) return false;
    sleep_for(std::chrono::milliseconds(20));
  }
  return true;
}

}  // namespace skink::test
