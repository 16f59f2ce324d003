#pragma once
/// @file
/// Who carries out work that has independent parts. The core makes no threads: a driver may lend it some.

#include <cstdint>
#include <functional>

namespace skink::rounds {

/// Workers that are lent; by default the caller alone.
struct Executor {
  using Work = std::function<void(std::uint32_t worker, std::uint32_t part)>;

  std::uint32_t workers = 1;  ///< at least 1
  /// Calls work(worker, part) once for each part in [0, parts), worker in [0, workers), on any threads but one at a
  /// time for a worker, and returns when all have ended. Empty: the caller does them in order, as worker 0.
  std::function<void(std::uint32_t parts, const Work& work)> on_workers;

  /// A pool with count() and run(parts, work) as above, which must outlive it.
  template <class Pool>
  static Executor of(Pool& pool) {
    return {pool.count(), [&pool](std::uint32_t parts, const Work& work) { pool.run(parts, work); }};
  }

  /// Does all parts, on the workers or as worker 0, and returns when all have ended.
  void run(std::uint32_t parts, const Work& work) const {
    if (on_workers && parts > 1) return on_workers(parts, work);
    for (std::uint32_t part = 0; part < parts; ++part) work(0, part);
  }
};

}  // namespace skink::rounds
