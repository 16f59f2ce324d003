#pragma once
/// @file
/// Makes a data set (docs/data.md) of a CSV file of windows: a row for each, with a column that names the device, one
/// that names the label, and numbers. It reads the file twice and keeps no window, so that files may be larger than
/// memory; what it keeps grows with the number of classes, devices and pairs of both.

#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
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
  kChosen,   ///< whole numbers without loss where they fit into u8 or i16, all else as kI16
  kI16,      ///< 65,535 steps over the range of all values
  kFloat32,  ///< twice the size of i16; for columns of very different ranges
};

/// Which file becomes which data set, and how.
struct ImportOptions {
  std::string csv_file;
  std::string out_dir;  ///< absent or empty; its last part is what experiments call the data set
  std::string label_column;
  std::string device_column;
  std::string split_column;  ///< with train, validation or test (or 0, 1, 2) in each row; empty: split_by
  SplitBy split_by = SplitBy::kDevice;
  double validation = 0.1;  ///< fraction of the devices or labels
  double test = 0.2;
  std::uint64_t seed = 1;
  std::vector<std::string> columns;  ///< names and ranges "x0..x63", in the sample's order; empty: all that are left
  std::vector<std::size_t> shape;    ///< empty: [values]
  ImportStorage storage = ImportStorage::kChosen;
  std::string name;  ///< in dataset.json; empty: the folder's
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
  std::uint64_t fewest_of_class = 0;   ///< windows of its rarest class: support_size + query_size at most
  std::uint64_t fewest_of_device = 0;  ///< the same over every class of every device
  std::size_t fewest_classes = 0;      ///< of a device
};

/// What an import made, for people.
struct ImportReport {
  std::uint64_t windows = 0;
  std::size_t values = 0;  ///< of a window
  std::vector<std::size_t> shape;
  std::vector<ImportedClass> classes;  ///< sorted by name; the place is the number
  std::size_t devices = 0;
  ImportedSplit splits[kSplits];
  double min = 0;
  double max = 0;
  const char* storage = "";  ///< "u8", "i16", "float32"
  double scale = 1;          ///< value = stored * scale + offset
  double offset = 0;
  double largest_error = 0;
  double train_mean = 0;  ///< of the stored numbers of the training split
  double train_deviation = 0;
  std::uint64_t bytes = 0;  ///< of x.npy
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
