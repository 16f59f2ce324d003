#include "dataset_description.hpp"

#include <algorithm>
#include <boost/json/parse.hpp>
#include <boost/json/value.hpp>
#include <cmath>
#include <optional>
#include <string_view>
#include <utility>

#include "skink/host/data/npy.hpp"

namespace skink::internal {
namespace {

namespace json = boost::json;

constexpr std::string_view kByteOrderMark = "\xef\xbb\xbf";
constexpr std::uint64_t kMostOverlap = 65535;

/// A number, or nothing.
std::optional<double> number_in(const json::value& value) {
  json::error_code code;
  const auto number = value.to_number<double>(code);
  if (code || !std::isfinite(number)) return std::nullopt;
  return number;
}

bool is_count(const json::value& value, std::size_t wanted) {
  json::error_code code;
  return value.to_number<std::size_t>(code) == wanted && !code;
}

std::size_t largest(const std::vector<std::uint16_t>& numbers) {
  return *std::max_element(numbers.begin(), numbers.end());
}

class Parser {
 public:
  Parser(const json::object& object, const DatasetFacts& facts, const std::string& path)
      : object_(object), facts_(facts), path_(path) {}

  Result<DatasetDescription> parse() {
    DatasetDescription found;
    if (const json::value* name = object_.if_contains("name")) {
      if (!name->is_string()) return refuse("name: wanted a text");
      found.name = std::string(name->get_string());
    }
    for (const auto& read : {read_numbers("scale", found.scale), read_numbers("offset", found.offset),
                             read_names(found), read_overlap(found.overlap), check_count("classes", *facts_.classes),
                             check_count("clients", *facts_.clients), check_sizes()}) {
      if (!read) return read.error();
    }
    if (std::find(found.scale.begin(), found.scale.end(), 0.0) != found.scale.end()) {
      return refuse("scale: wanted a number other than 0");
    }
    return found;
  }

 private:
  Error refuse(const std::string& reason) const { return make_error(Status::kDamaged, path_ + ": " + reason); }

  /// A number, or a list of one per channel; absent: `values` stays.
  Result<void> read_numbers(const std::string& key, std::vector<double>& values) const {
    const json::value* value = object_.if_contains(key);
    if (value == nullptr) return {};
    const std::size_t channels = facts_.sample_shape.back();
    const std::string wanted =
        key + ": wanted a number, or a list of " + std::to_string(channels) + ", one for each channel";
    const json::array* list = value->if_array();
    if (list == nullptr) {
      const auto number = number_in(*value);
      if (!number) return refuse(wanted);
      values = {*number};
      return {};
    }
    if (list->size() != channels) return refuse(wanted + "; it has " + std::to_string(list->size()));
    values.clear();
    for (const json::value& entry : *list) {
      const auto number = number_in(entry);
      if (!number) return refuse(wanted);
      values.push_back(*number);
    }
    return {};
  }

  Result<void> read_texts(const std::string& key, std::vector<std::string>& texts) const {
    const json::value* value = object_.if_contains(key);
    if (value == nullptr) return {};
    const json::array* list = value->if_array();
    if (list == nullptr) return refuse(key + ": wanted a list of texts");
    for (const json::value& text : *list) {
      if (!text.is_string()) return refuse(key + ": wanted a list of texts");
      texts.emplace_back(text.get_string());
    }
    return {};
  }

  Result<void> read_names(DatasetDescription& found) const {
    for (const auto& read :
         {read_texts("class_names", found.class_names), read_texts("client_names", found.client_names),
          read_texts("target_names", found.target_names)}) {
      if (!read) return read.error();
    }
    const std::size_t last_class = largest(*facts_.classes);
    if (object_.contains("class_names") && last_class >= found.class_names.size()) {
      return refuse("class_names: has " + std::to_string(found.class_names.size()) + " names, class.npy has class " +
                    std::to_string(last_class));
    }
    const std::size_t last_client = largest(*facts_.clients);
    if (!found.client_names.empty() && last_client >= found.client_names.size()) {
      return refuse("client_names: has " + std::to_string(found.client_names.size()) +
                    " names, client.npy has client " + std::to_string(last_client));
    }
    if (!found.target_names.empty() && found.target_names.size() != facts_.target_size) {
      const std::string targets = facts_.target_size == 0
                                      ? "there is no target.npy"
                                      : "target.npy has " + std::to_string(facts_.target_size) + " numbers a record";
      return refuse("target_names: has " + std::to_string(found.target_names.size()) + " names, " + targets);
    }
    return {};
  }

  Result<void> read_overlap(std::uint32_t& overlap) const {
    const json::value* value = object_.if_contains("overlap");
    if (value == nullptr) return {};
    json::error_code code;
    const auto number = value->to_number<std::uint64_t>(code);
    if (code || number > kMostOverlap) return refuse("overlap: wanted a whole number, 0..65535");
    overlap = static_cast<std::uint32_t>(number);
    return {};
  }

  /// The description may repeat sizes; then they must be right.
  Result<void> check_sizes() const {
    const json::value* count = object_.if_contains("records");
    if (count != nullptr && !is_count(*count, facts_.records)) {
      return refuse("records: x.npy has " + std::to_string(facts_.records));
    }
    const json::value* shape = object_.if_contains("shape");
    if (shape == nullptr) return {};
    const json::array* extents = shape->if_array();
    const std::vector<std::size_t>& wanted = facts_.sample_shape;
    if (extents == nullptr || !std::equal(extents->begin(), extents->end(), wanted.begin(), wanted.end(), is_count)) {
      return refuse("shape: the samples of x.npy have " + npy_shape_text(wanted));
    }
    return {};
  }

  /// It may count classes and clients; then it must count as many as occur.
  Result<void> check_count(const char* key, std::vector<std::uint16_t> numbers) const {
    const json::value* value = object_.if_contains(key);
    if (value == nullptr) return {};
    std::sort(numbers.begin(), numbers.end());
    const auto found = static_cast<std::size_t>(std::unique(numbers.begin(), numbers.end()) - numbers.begin());
    if (is_count(*value, found)) return {};
    return refuse(std::string(key) + ": there are " + std::to_string(found));
  }

  const json::object& object_;
  const DatasetFacts& facts_;
  const std::string& path_;
};

}  // namespace

Result<DatasetDescription> parse_description(std::string_view text, const DatasetFacts& facts,
                                             const std::string& path) {
  if (text.substr(0, kByteOrderMark.size()) == kByteOrderMark) text.remove_prefix(kByteOrderMark.size());
  json::error_code code;
  const json::value parsed = json::parse(text, code);
  if (code) return make_error(Status::kDamaged, path + ": not JSON: " + code.message());
  if (!parsed.is_object()) return make_error(Status::kDamaged, path + ": wanted a JSON object");
  return Parser(parsed.get_object(), facts, path).parse();
}

}  // namespace skink::internal
