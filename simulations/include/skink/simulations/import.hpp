#pragma once
/// @file
/// Makes a data set (docs/data.md) of a CSV file: either of windows, a row for each, or of a raw log, a row for each
/// reading, which is cut into windows. A column names the device, one the label; others are numbers. The file is read
/// twice, and once more to standardise; no more of it is kept than a window of each device, so that files may be larger
/// than memory. What is kept grows with the number of classes, devices and pairs of both.

#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "skink/host/experiment/experiment.hpp"
#include "skink/host/result.hpp"

namespace skink::simulations {

inline constexpr std::size_t kSplits = 3;  ///< train, validation, test

/// What is kept apart between training, validation and test.
enum class SplitBy : std::uint8_t {
  kDevice,  ///< all windows of a device are in one split: how well does it work on a device that was never seen?
  kLabel,   ///< all windows of a class are in one split: can a class be learned that was never seen?
};

/// How numbers are stored.
enum class ImportStorage : std::uint8_t {
  kChosen,   ///< whole numbers without loss where they fit into u8 or i16, all else as kI16; standardised: kFloat32
  kI16,      ///< 65,535 steps over the range of each channel
  kFloat32,  ///< twice the size of i16, values in their own units
};

/// What a number in the column of times counts.
enum class TimeUnit : std::uint8_t { kSeconds, kMilliseconds, kMicroseconds, kNanoseconds };

/// Which label a window of a raw log has.
enum class LabelRule : std::uint8_t {
  kPure,      ///< that of all its readings: a window ends where the label changes, and the next begins there
  kMajority,  ///< the most frequent, among equals the first
  kLast,      ///< that of its last reading
  kFirst,     ///< that of its first reading
};

/// How a raw log is cut into windows. Readings of a device must be in the order of time, devices may be mixed.
struct RawLogOptions {
  std::size_t window = 0;        ///< readings of a window; 0: the file has a window in each row
  std::size_t stride = 0;        ///< readings from one window's beginning to the next; 0: `window`
  double rate_hz = 0;            ///< readings a second; 0: not said. With a column of times, longer steps are gaps
  std::string recording_column;  ///< windows are of one recording; empty: none
  LabelRule label_rule = LabelRule::kPure;
  std::vector<std::size_t> horizons;  ///< targets are so many readings after a window's last; empty: 1
};

/// Which file becomes which data set, and how.
struct ImportOptions {
  std::string csv_file;
  std::string out_dir;       ///< absent or empty; its last part is what experiments call the data set
  std::string label_column;  ///< may be empty where there are targets
  std::string device_column;
  std::string split_column;  ///< with train, validation or test (or 0, 1, 2) in each row; empty: split_by
  SplitBy split_by = SplitBy::kDevice;
  double validation = 0.1;  ///< fraction of the devices or labels
  double test = 0.2;
  std::uint64_t seed = 1;
  std::vector<std::string> columns;  ///< names and ranges "x0..x63", in the sample's order; empty: all that are left
  std::vector<std::size_t> shape;    ///< empty: [values]; the last extent is the channels
  std::string time_column;           ///< empty: none
  TimeUnit time_unit = TimeUnit::kSeconds;  ///< of numbers; ISO 8601 needs none
  std::vector<std::string> target_columns;  ///< names and ranges; empty: no targets
  RawLogOptions raw;
  ImportStorage storage = ImportStorage::kChosen;
  bool is_standardised = false;   ///< stores (value - mean) / deviation of each channel, over the training split
  std::uint64_t header_line = 1;  ///< the line that names the columns
  std::uint64_t data_line = 0;    ///< the first line of data, after it; 0: the next
  std::string name;               ///< in dataset.json; empty: the folder's
  /// Called now and then with the part that is done, 0..1; false stops the import.
  std::function<bool(double)> on_progress;
};

/// One class: how many windows each split has of it.
struct ImportedClass {
  std::string name;
  std::uint64_t windows[kSplits] = {};
};

/// What one split of the new data set has.
struct ImportedSplit {
  std::uint64_t windows = 0;
  std::size_t classes = 0;
  std::size_t devices = 0;
  std::uint64_t fewest_of_class = 0;   ///< windows of its rarest class
  std::uint64_t fewest_of_device = 0;  ///< windows of its rarest pair of device and class
  std::size_t fewest_classes = 0;      ///< of a device
  std::uint64_t poorest_windows = 0;   ///< of the device with the fewest
  std::uint16_t poorest_device = 0;    ///< its number
};

/// One channel: the last place in a sample's shape.
struct ImportedChannel {
  std::string name;  ///< its column, or "channel 2" where it has several
  double min = 0;
  double max = 0;
  double scale = 1;  ///< value = stored * scale + offset; standardised: of the standardised value
  double offset = 0;
  double mean = 0;  ///< of the training split's values
  double deviation = 0;
  double largest_error = 0;  ///< of a value that was stored
};

/// One number that is to be predicted: its name, and the mean and deviation of the training split.
struct ImportedTarget {
  std::string name;
  double mean = 0;
  double deviation = 0;
  std::optional<std::size_t> channel;  ///< whose reading later on it is; none: it is not in the sample
};

/// What became of the readings of a raw log.
struct RawLogCounts {
  std::uint64_t readings = 0;
  std::uint64_t incomplete = 0;         ///< readings with an empty cell, each a gap
  std::uint64_t gaps = 0;               ///< steps in time that are too long
  std::uint64_t recordings = 0;         ///< stretches without a gap
  std::uint64_t mixed = 0;              ///< windows that were given up where the label changed
  std::uint64_t leftovers = 0;          ///< stretches whose last readings fill no window
  std::uint64_t leftover_readings = 0;  ///< readings there
  std::uint64_t without_target = 0;     ///< windows after which the readings to predict are missing
  double median_step_s = 0;             ///< between readings of a device; 0: no column of times
};

/// What an import made, for people.
struct ImportReport {
  std::uint64_t windows = 0;
  std::size_t values = 0;  ///< of a window
  std::vector<std::size_t> shape;
  std::vector<ImportedClass> classes;  ///< sorted by name, numbers by their size; the place is the number
  std::vector<std::string> devices;    ///< names in that order
  ImportedSplit splits[kSplits];
  std::vector<ImportedChannel> channels;
  std::vector<ImportedTarget> targets;
  RawLogCounts raw;
  std::uint64_t empty_rows = 0;    ///< rows of separators alone
  const char* storage = "";        ///< "u8", "i16", "float32"
  std::uint64_t bytes = 0;         ///< of x.npy
  std::vector<std::string> notes;  ///< what was left out
  std::vector<std::string> warnings;
  Result<void> written;  ///< of the folder; when it failed nothing is left of it
};

/// @returns what was found. Errors: kInvalidArgument for options that contradict themselves, kDamaged or kUnavailable
///          for the file, with its line and column. Nothing is left of a data set that is not complete. The same file
///          and options give the same bytes.
Result<ImportReport> import_csv(const ImportOptions& options);

/// For people: what is in the data set, and what to write in an experiment.
std::string to_text(const ImportReport& report, const ImportOptions& options);

}  // namespace skink::simulations
