#pragma once
/// @file
/// Cuts the readings of a raw log into windows, device by device, in bounded memory: of each device it keeps a window
/// and as many readings as the farthest target is away. A window never spans a gap, and has one label unless a rule
/// says which.

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "rows.hpp"
#include "skink/host/result.hpp"
#include "skink/simulations/import.hpp"

namespace skink::simulations {

/// One sample of the new data set.
struct Window {
  std::string_view label;
  std::string_view device;
  Split split = Split::kTrain;
  double time_s = 0;  ///< when it began; of a raw log from its device's first reading
  std::uint16_t recording = 0;
  std::vector<double> values;   ///< [readings, channels]
  std::vector<double> targets;  ///< [columns, horizons]
};

class Windower {
 public:
  /// `options` outlive it.
  Windower(const ImportOptions& options, const Columns& columns);

  /// Takes the next reading. @returns true when `window` is one, valid until the next call; kDamaged for a time that
  /// does not grow, for a recording that goes on after another one, or too many recordings.
  Result<bool> add(const RowReader& reading, Window& window);
  /// After the last reading.
  void finish();

  const RawLogCounts& counts() const noexcept { return counts_; }

 private:
  struct Reading {
    std::uint32_t label = 0;
    Split split = Split::kTrain;
    double time_s = 0;
    std::vector<double> values;
    std::vector<double> targets;
  };
  /// The readings of a device since its last gap; numbers count from there.
  struct Stretch {
    bool is_open = false;
    bool has_begun = false;  ///< there was a reading
    double first_time_s = 0;
    double last_time_s = 0;  ///< as the file says
    double shift_s = 0;      ///< so that a clock that starts again goes on
    std::uint32_t number = 0;
    std::string recording;
    std::set<std::string, std::less<>> recordings;  ///< those that are over
    std::vector<Reading> ring;
    std::uint64_t readings = 0;
    std::uint64_t looked = 0;     ///< readings that could be the last of a window
    std::uint64_t run_begin = 0;  ///< of readings with one label, or of the stretch
    std::uint64_t covered = 0;    ///< readings up to the end of the last window
  };

  using Streams = std::map<std::string, Stretch, std::less<>>;

  Result<void> begin_reading(const RowReader& reading, Stretch& stretch);
  Result<void> change_recording(const RowReader& reading, Stretch& stretch);
  Result<void> open(const RowReader& reading, Stretch& stretch);
  void note_step(double step_s);
  void close(Stretch& stretch);
  void push(const RowReader& reading, Stretch& stretch);
  bool look(Stretch& stretch, bool has_target, Window* window);
  void fill(const Streams::value_type& stream, std::uint64_t end, Window& window) const;
  std::uint32_t label_of(const Stretch& stretch, std::uint64_t begin, std::uint64_t end) const;
  const Reading& at(const Stretch& stretch, std::uint64_t reading) const { return stretch.ring[reading % capacity_]; }
  double median_step() const;

  const ImportOptions& options_;
  const Columns& columns_;
  std::size_t window_;
  std::size_t stride_;
  std::vector<std::size_t> horizons_;
  std::size_t farthest_ = 0;
  std::size_t capacity_;
  Streams streams_;
  std::map<std::string, std::uint32_t, std::less<>> label_numbers_;
  std::vector<std::string> labels_;
  std::map<int, std::uint64_t> steps_;  ///< how many of each length, by its logarithm
  RawLogCounts counts_;
};

}  // namespace skink::simulations
