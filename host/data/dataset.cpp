#include "skink/host/data/dataset.hpp"

#include <algorithm>
#include <boost/json/parse.hpp>
#include <boost/json/value.hpp>
#include <cmath>
#include <cstdlib>
#include <filesystem>
#include <type_traits>
#include <utility>

#include "skink/host/files/files.hpp"

namespace skink {
namespace {

constexpr std::uint8_t kLastSplit = static_cast<std::uint8_t>(Split::kTest);

Error refuse(const std::string& file, const std::string& reason) {
  return make_error(Status::kDamaged, file + ": " + reason);
}

/// A list of numbers of one type, one per record.
template <class T>
Result<std::vector<T>> read_list(const std::string& path, std::size_t records, const char* wanted_type) {
  Result<NpyArray> array = read_npy(path);
  if (!array) {
    const bool is_other_type = array.error().code == Status::kUnsupported;
    if (!is_other_type) return array.error();
    return make_error(Status::kUnsupported, array.error().message + "; here " + wanted_type);
  }
  auto* values = std::get_if<std::vector<T>>(&array->values);
  if (values == nullptr) {
    return refuse(path, std::string("holds ") + npy_type_name(array->values) + ", wanted " + wanted_type);
  }
  if (array->shape.size() != 1 || array->shape[0] != records) {
    return refuse(path, "has shape " + npy_shape_text(array->shape) + ", but x.npy has " + std::to_string(records) +
                            " records: wanted [" + std::to_string(records) + "]");
  }
  return std::move(*values);
}

/// The index of the first value that is not finite, else the count.
std::size_t first_not_finite(const std::vector<float>& values) {
  const auto found = std::find_if(values.begin(), values.end(), [](float value) { return !std::isfinite(value); });
  return static_cast<std::size_t>(found - values.begin());
}

Result<boost::json::object> read_json(const std::string& path) {
  const auto text = read_file(path);
  if (!text) return make_error(Status::kUnavailable, text.error().message + "; a data set needs one, {} will do");
  boost::json::error_code code;
  const boost::json::value parsed = boost::json::parse(*text, code);
  if (code) return refuse(path, "not JSON: " + code.message());
  if (!parsed.is_object()) return refuse(path, "wanted a JSON object");
  return parsed.get_object();
}

/// A number that may be absent.
Result<double> read_number(const boost::json::object& object, const char* key, double fallback,
                           const std::string& path) {
  const boost::json::value* value = object.if_contains(key);
  if (value == nullptr) return fallback;
  boost::json::error_code code;
  const auto number = value->to_number<double>(code);
  if (code || !std::isfinite(number)) return refuse(path, std::string(key) + ": wanted a number");
  return number;
}

/// The description may repeat sizes; then they must be right.
Result<void> check_sizes(const boost::json::object& object, std::size_t records,
                         const std::vector<std::size_t>& sample_shape, const std::string& path) {
  const auto is = [](const boost::json::value& value, std::size_t wanted) {
    boost::json::error_code code;
    return value.to_number<std::size_t>(code) == wanted && !code;
  };
  const boost::json::value* count = object.if_contains("records");
  if (count != nullptr && !is(*count, records)) {
    return refuse(path, "records: x.npy has " + std::to_string(records));
  }
  const boost::json::value* shape = object.if_contains("shape");
  if (shape == nullptr) return {};
  const boost::json::array* extents = shape->if_array();
  if (extents == nullptr ||
      !std::equal(extents->begin(), extents->end(), sample_shape.begin(), sample_shape.end(), is)) {
    return refuse(path, "shape: the samples of x.npy have " + npy_shape_text(sample_shape));
  }
  return {};
}

/// The description may count classes and clients; then it must count as many as occur.
Result<void> check_count(const boost::json::object& object, const char* key, std::vector<std::uint16_t> numbers,
                         const std::string& path) {
  const boost::json::value* value = object.if_contains(key);
  if (value == nullptr) return {};
  std::sort(numbers.begin(), numbers.end());
  const auto found = static_cast<std::size_t>(std::unique(numbers.begin(), numbers.end()) - numbers.begin());
  boost::json::error_code code;
  if (value->to_number<std::size_t>(code) == found && !code) return {};
  return refuse(path, std::string(key) + ": there are " + std::to_string(found));
}

}  // namespace

Result<void> Dataset::read_arrays(const std::string& folder) {
  const std::string x_path = folder + "/x.npy";
  Result<NpyArray> x = read_npy(x_path);
  if (!x) return x.error();
  if (x->shape.size() < 2 || x->shape[0] == 0) {
    return refuse(x_path, "has shape " + npy_shape_text(x->shape) + ", wanted [records, ...] with at least one record");
  }
  if (std::holds_alternative<std::vector<std::uint16_t>>(x->values)) {
    return refuse(x_path, "holds u16, wanted u8, i16 or float32");
  }
  const std::size_t records = x->shape[0];
  sample_shape_.assign(x->shape.begin() + 1, x->shape.end());
  sample_size_ = std::visit([](const auto& values) { return values.size(); }, x->values) / records;
  if (sample_size_ == 0) return refuse(x_path, "has shape " + npy_shape_text(x->shape) + ": its samples are empty");
  if (const auto* reals = std::get_if<std::vector<float>>(&x->values)) {
    const std::size_t index = first_not_finite(*reals);
    if (index < reals->size()) {
      return refuse(x_path, "record " + std::to_string(index / sample_size_) + " holds a number that is not finite");
    }
  }
  x_ = std::move(x->values);

  Result<std::vector<std::uint16_t>> classes = read_list<std::uint16_t>(folder + "/class.npy", records, "u16");
  if (!classes) return classes.error();
  Result<std::vector<std::uint16_t>> clients = read_list<std::uint16_t>(folder + "/client.npy", records, "u16");
  if (!clients) return clients.error();
  Result<std::vector<std::uint8_t>> splits = read_list<std::uint8_t>(folder + "/split.npy", records, "u8");
  if (!splits) return splits.error();
  const auto beyond =
      std::find_if(splits->begin(), splits->end(), [](std::uint8_t split) { return split > kLastSplit; });
  if (beyond != splits->end()) {
    return refuse(folder + "/split.npy", "record " + std::to_string(beyond - splits->begin()) + " is " +
                                             std::to_string(*beyond) + ", use 0 train, 1 validation or 2 test");
  }
  classes_ = std::move(*classes);
  clients_ = std::move(*clients);
  splits_ = std::move(*splits);
  return {};
}

Result<void> Dataset::read_description(const std::string& path) {
  const Result<boost::json::object> read = read_json(path);
  if (!read) return read.error();
  const boost::json::object& object = *read;
  if (const boost::json::value* name = object.if_contains("name")) {
    if (!name->is_string()) return refuse(path, "name: wanted a text");
    name_ = std::string(name->get_string());
  }
  const Result<double> scale = read_number(object, "scale", 1.0, path);
  if (!scale) return scale.error();
  const Result<double> offset = read_number(object, "offset", 0.0, path);
  if (!offset) return offset.error();
  if (*scale == 0) return refuse(path, "scale: wanted a number other than 0");
  scale_ = *scale;
  offset_ = *offset;
  if (const boost::json::value* names = object.if_contains("class_names")) {
    if (!names->is_array()) return refuse(path, "class_names: wanted a list of texts");
    for (const boost::json::value& name : names->get_array()) {
      if (!name.is_string()) return refuse(path, "class_names: wanted a list of texts");
      class_names_.emplace_back(name.get_string());
    }
    const std::uint16_t last = *std::max_element(classes_.begin(), classes_.end());
    if (last >= class_names_.size()) {
      return refuse(path, "class_names: has " + std::to_string(class_names_.size()) + " names, class.npy has class " +
                              std::to_string(last));
    }
  }
  Result<void> classes = check_count(object, "classes", classes_, path);
  if (!classes) return classes;
  Result<void> clients = check_count(object, "clients", clients_, path);
  if (!clients) return clients;
  return check_sizes(object, record_count(), sample_shape_, path);
}

Result<Dataset> Dataset::load(const std::string& folder) {
  Dataset dataset;
  dataset.name_ = std::filesystem::path(folder).filename().string();
  const Result<void> arrays = dataset.read_arrays(folder);
  if (!arrays) return arrays.error();
  const Result<void> description = dataset.read_description(folder + "/dataset.json");
  if (!description) return description.error();
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
  Result<Dataset> dataset = Dataset::load(*folder);
  if (!dataset) return dataset.error();
  return std::shared_ptr<const Dataset>(std::make_shared<const Dataset>(std::move(*dataset)));
}

}  // namespace skink
