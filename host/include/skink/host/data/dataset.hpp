#pragma once
/// @file
/// A data set on disk: a folder of NumPy files, one record per sample. It offers records as they are stored; what a
/// task is made of is in tasks.hpp, and scaling is the device's business (docs/arithmetic.md, section 2).
///
///   x.npy         [N, ...] u8, i16 or float32      class.npy, client.npy  [N] u16
///   split.npy     [N] u8: 0 train, 1 validation, 2 test
///   dataset.json  {"name": .., "scale": 1, "offset": 0, "shape": [..], "records": N, "class_names": [..], ..};
///                 all keys are optional, those known are checked

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "skink/common/span.hpp"
#include "skink/host/data/npy.hpp"
#include "skink/host/experiment/experiment.hpp"
#include "skink/host/result.hpp"

namespace skink {

/// Immutable, so any number of threads may read it.
class Dataset {
 public:
  /// Reads and checks a folder.
  /// @returns kUnavailable when a file cannot be read; kTruncated, kNewerVersion or kUnsupported of a .npy file as from
  ///          read_npy(); kDamaged when a file is not what it should be, or two contradict each other. The message
  ///          begins with the file.
  static Result<Dataset> load(const std::string& folder);

  /// The name that dataset.json gives, else the folder's; number of records, N, at least 1.
  const std::string& name() const noexcept { return name_; }
  std::size_t record_count() const noexcept { return classes_.size(); }

  /// Shape of one sample, without the record axis: {28, 28}; and the product of its extents, at least 1.
  const std::vector<std::size_t>& sample_shape() const noexcept { return sample_shape_; }
  std::size_t sample_size() const noexcept { return sample_size_; }

  /// The stored numbers of a record as floats (exact for the integer types).
  /// @param[in]  record  0..record_count()-1.
  /// @param[out] stored  [sample_size()].
  void read_stored(std::size_t record, Span<float> stored) const noexcept;

  /// Label, client and split of a record, 0..record_count()-1, which is not checked.
  std::uint16_t class_of(std::size_t record) const noexcept { return classes_[record]; }
  std::uint16_t client_of(std::size_t record) const noexcept { return clients_[record]; }
  Split split_of(std::size_t record) const noexcept { return static_cast<Split>(splits_[record]); }

  /// The labels, and the clients, that occur in a split: ascending, each once. Cost: a pass over all records.
  std::vector<std::uint16_t> classes_of(Split split) const;
  std::vector<std::uint16_t> clients_of(Split split) const;

  /// The name of a class, such as "zero"; its number when the data set gives no name.
  std::string class_name(std::uint16_t label) const;

  /// What the data set says of its stored numbers: unit value = stored * scale + offset. Not applied by read_stored.
  double scale() const noexcept { return scale_; }
  double offset() const noexcept { return offset_; }

 private:
  std::vector<std::uint16_t> distinct(const std::vector<std::uint16_t>& values, Split split) const;
  Result<void> read_arrays(const std::string& folder);
  Result<void> read_description(const std::string& path);

  std::string name_;
  std::vector<std::size_t> sample_shape_;
  std::size_t sample_size_ = 0;
  NpyArray::Values x_;
  std::vector<std::uint16_t> classes_;
  std::vector<std::uint16_t> clients_;
  std::vector<std::uint8_t> splits_;
  std::vector<std::string> class_names_;
  double scale_ = 1.0;
  double offset_ = 0.0;
};

/// The folder of a data set: below `data_dir` (the option --data); when that is empty, below the environment variable
/// SKINK_DATA. Reads the environment: not while another thread changes it.
/// @returns kUnavailable when there is no such folder, or none to look in; the message says where it looked and what to
///          do.
Result<std::string> find_dataset(const std::string& name, const std::string& data_dir);

/// The data set of an experiment, found and loaded; null when its tasks need none.
/// @returns the errors of find_dataset() and Dataset::load().
Result<std::shared_ptr<const Dataset>> load_dataset(const TaskConfig& task, const std::string& data_dir);

}  // namespace skink
