#pragma once
/// @file
/// A data set on disk: a folder of NumPy files, one record per sample. It offers records as they are stored; what a
/// task is made of is in tasks.hpp, and scaling is the device's business (docs/arithmetic.md, section 2).
///
///   x.npy         [N, ...] u8, i16 or float32      class.npy, client.npy  [N] u16
///   split.npy     [N] u8: 0 train, 1 validation, 2 test
///   time.npy      [N] float32, optional            target.npy             [N, m] float32, optional
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

  /// The name of a class, such as "zero"; its number when the data set gives no name. The same for clients.
  std::string class_name(std::uint16_t label) const;
  std::string client_name(std::uint16_t client) const;

  /// Whether records have times: time.npy is there.
  bool has_time() const noexcept { return !times_.empty(); }
  /// When a record began, in seconds from its client's start; finite. 0 where has_time() is false.
  /// @param[in] record  0..record_count()-1, which is not checked.
  float time_of(std::size_t record) const noexcept { return has_time() ? times_[record] : 0.0F; }

  /// Numbers that are to be predicted for each record, 1..65535; 0 where there is no target.npy.
  std::size_t target_size() const noexcept { return target_size_; }
  /// @param[in]  record  0..record_count()-1, which is not checked.
  /// @param[out] target  [target_size()], finite.
  void read_target(std::size_t record, Span<float> target) const noexcept;
  /// One of its numbers. @param[in] output  0..target_size()-1.
  float target_of(std::size_t record, std::size_t output) const noexcept {
    return targets_[record * target_size_ + output];
  }
  /// What the numbers of a target are called; empty, or target_size() texts.
  const std::vector<std::string>& target_names() const noexcept { return target_names_; }

  /// How many of the following records of the same client share readings with a record, 0..65535: 1 for windows that
  /// begin in the middle of the one before.
  std::uint32_t overlap() const noexcept { return overlap_; }

  /// What the data set says of its stored numbers: unit value = stored * scale + offset. Not applied by read_stored.
  /// One entry for all, or one for each channel, the last extent of sample_shape(); scales are not 0.
  const std::vector<double>& scale() const noexcept { return scale_; }
  const std::vector<double>& offset() const noexcept { return offset_; }

  /// SHA-256 of the data set, 64 lower-case digits: over the name of each file that was read, followed by its bytes, in
  /// the order x.npy, class.npy, client.npy, split.npy, time.npy, target.npy, dataset.json. Files that are not there
  /// are passed over.
  const std::string& fingerprint() const noexcept { return fingerprint_; }

 private:
  class Folder;

  std::vector<std::uint16_t> distinct(const std::vector<std::uint16_t>& values, Split split) const;
  Result<void> read_samples(Folder& folder);
  Result<void> read_lists(Folder& folder);
  Result<void> read_times(Folder& folder);
  Result<void> read_targets(Folder& folder);
  Result<void> read_description(Folder& folder);

  std::string name_;
  std::vector<std::size_t> sample_shape_;
  std::size_t sample_size_ = 0;
  std::size_t target_size_ = 0;
  NpyArray::Values x_;
  std::vector<std::uint16_t> classes_;
  std::vector<std::uint16_t> clients_;
  std::vector<std::uint8_t> splits_;
  std::vector<float> times_;
  std::vector<float> targets_;
  std::vector<std::string> class_names_;
  std::vector<std::string> client_names_;
  std::vector<std::string> target_names_;
  std::uint32_t overlap_ = 0;
  std::vector<double> scale_{1.0};
  std::vector<double> offset_{0.0};
  std::string fingerprint_;
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
