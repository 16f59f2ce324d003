#pragma once
/// @file
/// How fast the coordinator's core decodes a cohort's changes and adds them up on this machine, beside how fast the
/// same threads can go over the same memory, all in one run; and how fast messages are authenticated. Receiving them is
/// not in it.

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "skink/host/result.hpp"
#include "skink/simulations/bench.hpp"

namespace skink::simulations {

/// What is measured.
struct IntakeOptions {
  BenchNet net;  ///< whose cohort sends changes: random numbers, normally distributed
  std::vector<std::string> codecs{"float32", "int8", "eden:1", "topk:0.01+ternary"};
  std::uint32_t threads = 0;      ///< the most; 0: one for each core. One thread is always measured
  double seconds = 1.0;           ///< that each line takes, about, in all repetitions
  std::uint32_t repetitions = 7;  ///< lines take turns; the median counts
  std::function<void(const std::string& text)> on_progress;
};

/// One line of the table. The first two of a number of threads are nothing but memory: in each, a thread adds 4-byte
/// numbers to 8-byte sums.
struct IntakeRow {
  /// A codec; "same memory": as many numbers and sums as float32 has; "main memory": 64 MiB of sums a thread;
  /// "messages": chunks of 4 KiB whose authentication code is checked.
  std::string what;
  std::uint32_t threads = 1;
  double updates_per_second = 0;     ///< "main memory", "messages": 0
  std::size_t bytes_per_update = 0;  ///< read and written: the encoded change, and 16 for each sum that it changes
  double bytes_per_second = 0;
  double ratio_to_same_memory = 0;  ///< of the bytes per second, with as many threads; medians within a repetition
  double ratio_to_main_memory = 0;
};

/// @returns the lines for one thread, then those for the most. Errors: an unknown codec; a number of threads with other
///          bits.
Result<std::vector<IntakeRow>> run_intake_bench(const IntakeOptions& options);

/// For a terminal: a line for each row, in order.
std::string to_table(const std::vector<IntakeRow>& rows);

}  // namespace skink::simulations
