#include "skink/host/data/dataset.hpp"

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <filesystem>
#include <new>
#include <type_traits>
#include <utility>

#include "dataset_description.hpp"
#include "skink/common/crypto/crypto.hpp"
#include "skink/host/files/files.hpp"

namespace skink {
namespace {

constexpr std::uint8_t kLastSplit = static_cast<std::uint8_t>(Split::kTest);
constexpr std::size_t kMostTargets = 65535;

Error refuse(const std::string& file, const std::string& reason) {
  return make_error(Status::kDamaged, file + ": " + reason);
}

/// The index of the first value that is not finite, else the count.
std::size_t first_not_finite(const std::vector<float>& values) {
  const auto found = std::find_if(values.begin(), values.end(), [](float value) { return !std::isfinite(value); });
  return static_cast<std::size_t>(found - values.begin());
}

Result<void> check_finite(const std::string& path, const std::vector<float>& values, std::size_t per_record) {
  const std::size_t index = first_not_finite(values);
  if (index == values.size()) return {};
  return refuse(path, "record " + std::to_string(index / per_record) + " holds a number that is not finite");
}

std::string shape_problem(const NpyArray& array, std::size_t records, const std::string& wanted) {
  return "has shape " + npy_shape_text(array.shape) + ", but x.npy has " + std::to_string(records) +
         " records: wanted " + wanted;
}

}  // namespace

/// The files of a data set, each read once, in the order of the fingerprint.
class Dataset::Folder {
 public:
  explicit Folder(std::string folder) : folder_(std::move(folder)) {}

  std::string path(const char* name) const { return folder_ + "/" + name; }

  /// A link to nothing is there, and cannot be read.
  bool has(const char* name) const {
    std::error_code ignored;
    return std::filesystem::symlink_status(path(name), ignored).type() != std::filesystem::file_type::not_found;
  }

  Result<std::string> read(const char* name) {
    auto content = read_file(path(name));
    if (!content) return content.error();
    hash_.add(bytes_of(std::string_view(name)));
    hash_.add(bytes_of(*content));
    return content;
  }

  /// @param[in] wanted_type  those that the file may have, said where it has none of any file
  Result<NpyArray> read_array(const char* name, const char* wanted_type) {
    const auto content = read(name);
    if (!content) return content.error();
    Result<NpyArray> array = parse_npy(bytes_of(*content), path(name));
    if (array || array.error().code != Status::kUnsupported) return array;
    return make_error(Status::kUnsupported, array.error().message + "; here " + wanted_type);
  }

  /// An array of one type.
  template <class T>
  Result<NpyArray> read_typed(const char* name, const char* wanted_type) {
    Result<NpyArray> array = read_array(name, wanted_type);
    if (!array) return array.error();
    if (std::holds_alternative<std::vector<T>>(array->values)) return array;
    return refuse(path(name), std::string("holds ") + npy_type_name(array->values) + ", wanted " + wanted_type);
  }

  /// A list of numbers of one type, one per record.
  template <class T>
  Result<std::vector<T>> read_list(const char* name, std::size_t records, const char* wanted_type) {
    Result<NpyArray> array = read_typed<T>(name, wanted_type);
    if (!array) return array.error();
    if (array->shape.size() != 1 || array->shape[0] != records) {
      return refuse(path(name), shape_problem(*array, records, "[" + std::to_string(records) + "]"));
    }
    return std::move(std::get<std::vector<T>>(array->values));
  }

  std::string fingerprint() {
    char digits[2 * crypto::kDigestBytes + 1];
    crypto::to_hex(hash_.finish(), digits);
    return digits;
  }

 private:
  std::string folder_;
  crypto::Sha256 hash_;
};

Result<void> Dataset::read_samples(Folder& folder) {
  const std::string path = folder.path("x.npy");
  constexpr const char* kWanted = "u8, i16 or float32";
  Result<NpyArray> x = folder.read_array("x.npy", kWanted);
  if (!x) return x.error();
  if (x->shape.size() < 2 || x->shape[0] == 0) {
    return refuse(path, "has shape " + npy_shape_text(x->shape) + ", wanted [records, ...] with at least one record");
  }
  if (std::holds_alternative<std::vector<std::uint16_t>>(x->values)) {
    return refuse(path, std::string("holds u16, wanted ") + kWanted);
  }
  const std::size_t records = x->shape[0];
  sample_shape_.assign(x->shape.begin() + 1, x->shape.end());
  sample_size_ = std::visit([](const auto& values) { return values.size(); }, x->values) / records;
  if (sample_size_ == 0) return refuse(path, "has shape " + npy_shape_text(x->shape) + ": its samples are empty");
  if (const auto* reals = std::get_if<std::vector<float>>(&x->values)) {
    Result<void> finite = check_finite(path, *reals, sample_size_);
    if (!finite) return finite;
  }
  x_ = std::move(x->values);
  return {};
}

Result<void> Dataset::read_lists(Folder& folder) {
  const std::size_t records = std::visit([](const auto& values) { return values.size(); }, x_) / sample_size_;
  Result<std::vector<std::uint16_t>> classes = folder.read_list<std::uint16_t>("class.npy", records, "u16");
  if (!classes) return classes.error();
  Result<std::vector<std::uint16_t>> clients = folder.read_list<std::uint16_t>("client.npy", records, "u16");
  if (!clients) return clients.error();
  Result<std::vector<std::uint8_t>> splits = folder.read_list<std::uint8_t>("split.npy", records, "u8");
  if (!splits) return splits.error();
  const auto beyond =
      std::find_if(splits->begin(), splits->end(), [](std::uint8_t split) { return split > kLastSplit; });
  if (beyond != splits->end()) {
    return refuse(folder.path("split.npy"), "record " + std::to_string(beyond - splits->begin()) + " is " +
                                                std::to_string(*beyond) + ", use 0 train, 1 validation or 2 test");
  }
  classes_ = std::move(*classes);
  clients_ = std::move(*clients);
  splits_ = std::move(*splits);
  return {};
}

Result<void> Dataset::read_times(Folder& folder) {
  if (!folder.has("time.npy")) return {};
  Result<std::vector<float>> times = folder.read_list<float>("time.npy", record_count(), "float32");
  if (!times) return times.error();
  times_ = std::move(*times);
  return check_finite(folder.path("time.npy"), times_, 1);
}

Result<void> Dataset::read_targets(Folder& folder) {
  if (!folder.has("target.npy")) return {};
  const std::string path = folder.path("target.npy");
  Result<NpyArray> array = folder.read_typed<float>("target.npy", "float32");
  if (!array) return array.error();
  const bool is_matrix = array->shape.size() == 2 && array->shape[0] == record_count();
  if (!is_matrix || array->shape[1] == 0 || array->shape[1] > kMostTargets) {
    return refuse(path, shape_problem(*array, record_count(), "[" + std::to_string(record_count()) + ", 1..65535]"));
  }
  target_size_ = array->shape[1];
  targets_ = std::move(std::get<std::vector<float>>(array->values));
  return check_finite(path, targets_, target_size_);
}

Result<void> Dataset::read_description(Folder& folder) {
  const auto text = folder.read("dataset.json");
  if (!text) return make_error(Status::kUnavailable, text.error().message + "; a data set needs one, {} will do");
  const internal::DatasetFacts facts{record_count(), sample_shape_, &classes_, &clients_, target_size_};
  auto described = internal::parse_description(*text, facts, folder.path("dataset.json"));
  if (!described) return described.error();
  if (!described->name.empty()) name_ = std::move(described->name);
  class_names_ = std::move(described->class_names);
  client_names_ = std::move(described->client_names);
  target_names_ = std::move(described->target_names);
  overlap_ = described->overlap;
  scale_ = std::move(described->scale);
  offset_ = std::move(described->offset);
  return {};
}

Result<Dataset> Dataset::load(const std::string& path) {
  Dataset dataset;
  dataset.name_ = std::filesystem::path(path).filename().string();
  Folder folder(path);
  using Step = Result<void> (Dataset::*)(Folder&);
  constexpr Step kSteps[] = {&Dataset::read_samples, &Dataset::read_lists, &Dataset::read_times, &Dataset::read_targets,
                             &Dataset::read_description};
  for (const Step step : kSteps) {
    const Result<void> read = (dataset.*step)(folder);
    if (!read) return read.error();
  }
  dataset.fingerprint_ = folder.fingerprint();
  return dataset;
}

void Dataset::read_stored(std::size_t record, Span<float> stored) const noexcept {
  std::visit(
      [&](const auto& values) {
        const auto* from = values.data() + record * sample_size_;
        std::transform(from, from + sample_size_, stored.begin(), [](auto value) { return static_cast<float>(value); });
      },
      x_);
}

void Dataset::read_target(std::size_t record, Span<float> target) const noexcept {
  const float* from = targets_.data() + record * target_size_;
  std::copy(from, from + target_size_, target.begin());
}

std::vector<std::uint16_t> Dataset::distinct(const std::vector<std::uint16_t>& values, Split split) const {
  std::vector<std::uint16_t> found;
  for (std::size_t record = 0; record < values.size(); ++record) {
    if (split_of(record) == split) found.push_back(values[record]);
  }
  std::sort(found.begin(), found.end());
  found.erase(std::unique(found.begin(), found.end()), found.end());
  return found;
}

std::vector<std::uint16_t> Dataset::classes_of(Split split) const { return distinct(classes_, split); }
std::vector<std::uint16_t> Dataset::clients_of(Split split) const { return distinct(clients_, split); }

std::string Dataset::class_name(std::uint16_t label) const {
  return label < class_names_.size() ? class_names_[label] : std::to_string(label);
}

std::string Dataset::client_name(std::uint16_t client) const {
  return client < client_names_.size() ? client_names_[client] : std::to_string(client);
}

Result<std::string> find_dataset(const std::string& name, const std::string& data_dir) {
  const char* variable = std::getenv("SKINK_DATA");
  const std::string environment = variable == nullptr ? "" : variable;
  const std::string root = data_dir.empty() ? environment : data_dir;
  const std::string place = data_dir.empty() ? "SKINK_DATA" : "--data";
  if (root.empty()) {
    return make_error(Status::kUnavailable, "data set " + name +
                                                ": no folder to look in; give --data FOLDER or set SKINK_DATA, the "
                                                "folder that holds " +
                                                name + "/x.npy");
  }
  const std::string folder = (std::filesystem::path(root) / name).string();
  std::error_code ignored;
  if (std::filesystem::is_directory(folder, ignored)) return folder;
  if (ignored == std::errc::permission_denied) {
    return make_error(Status::kUnavailable,
                      "data set " + name + ": " + root + " (from " + place + ") may not be entered: permission denied");
  }
  return make_error(Status::kUnavailable, "data set " + name + ": there is no folder " + folder + " (from " + place +
                                              "); put it there or point --data at the folder that holds " + name);
}

Result<std::shared_ptr<const Dataset>> load_dataset(const TaskConfig& task, const std::string& data_dir) {
  if (task.source != TaskSource::kDataset) return std::shared_ptr<const Dataset>();
  const Result<std::string> folder = find_dataset(task.dataset, data_dir);
  if (!folder) return folder.error();
  try {
    Result<Dataset> dataset = Dataset::load(*folder);
    if (!dataset) return dataset.error();
    return std::shared_ptr<const Dataset>(std::make_shared<const Dataset>(std::move(*dataset)));
  } catch (const std::bad_alloc&) {
    return make_error(Status::kUnavailable, *folder + ": does not fit into the memory of this machine");
  }
}

}  // namespace skink
