#pragma once
/// @file
/// Threads that share out the parts of a job again and again. The calling thread works too.

#include <atomic>
#include <cstdint>
#include <exception>
#include <functional>
#include <mutex>
#include <thread>
#include <vector>

namespace skink {

/// A fixed set of threads. Owned by one thread at a time; run() must not be called by a part.
class Workers {
 public:
  /// `count` threads in all, at least 1: the caller of run() is one of them. Fewer where the system refuses one:
  /// count() says how many there are. Each begins by preparing its floating-point environment.
  explicit Workers(std::uint32_t count);
  ~Workers();
  Workers(const Workers&) = delete;
  Workers& operator=(const Workers&) = delete;

  /// Threads that work, the caller of run() included: at least 1. Worker numbers are 0..count()-1.
  std::uint32_t count() const { return static_cast<std::uint32_t>(threads_.size()) + 1; }

  /// Calls work(worker, part) for each part in [0, parts), on any thread, and returns when all have ended.
  /// @throws what a part threw first, after the others have ended.
  void run(std::uint32_t parts, const std::function<void(std::uint32_t worker, std::uint32_t part)>& work);

 private:
  void serve(std::uint32_t worker);
  void take_parts(std::uint32_t worker);

  const std::function<void(std::uint32_t, std::uint32_t)>* work_ = nullptr;
  std::uint32_t parts_ = 0;
  std::atomic<std::uint32_t> next_part_{0};
  std::atomic<std::uint32_t> job_{0};   ///< grows with every job
  std::atomic<std::uint32_t> busy_{0};  ///< threads that have not ended the current job
  std::atomic<bool> stops_{false};
  std::mutex failure_lock_;
  std::exception_ptr failure_;
  std::vector<std::thread> threads_;
};

}  // namespace skink
