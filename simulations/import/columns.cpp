#include "columns.hpp"

#include <algorithm>
#include <charconv>
#include <cstdint>
#include <map>
#include <string_view>

#include "cell_text.hpp"

namespace skink::simulations {
namespace {

constexpr std::size_t kMostListed = 12;
constexpr std::uint32_t kMostInRange = 1000000;
constexpr std::string_view kDigits = "0123456789";

Error refuse(const std::string& where, const std::string& reason) {
  return make_error(Status::kDamaged, where + ": " + reason);
}

/// "a, b, c, ..."
std::string listed(const std::vector<std::string>& names) {
  std::string text;
  for (std::size_t i = 0; i < names.size() && i < kMostListed; ++i) text += (i == 0 ? "" : ", ") + shown(names[i]);
  if (names.size() > kMostListed) text += ", ... (" + std::to_string(names.size()) + " in all)";
  return text;
}

/// "x63" as "x" and 63. False when it does not end in a number.
struct Numbered {
  std::string stem;
  std::string digits;
  std::uint32_t number = 0;
};
bool split_number(const std::string& name, Numbered& out) {
  const std::size_t last = name.find_last_not_of(kDigits);
  const std::size_t begin = last == std::string::npos ? 0 : last + 1;
  out.stem = name.substr(0, begin);
  out.digits = name.substr(begin);
  const char* end = out.digits.data() + out.digits.size();
  const auto parsed = std::from_chars(out.digits.data(), end, out.number);
  return parsed.ec == std::errc() && parsed.ptr == end;
}

/// For comparing names that nearly agree: letters and digits, in lower case.
std::string bare(std::string_view name) {
  std::string text;
  for (const char c : name) {
    if (is_upper(c) || is_lower(c) || is_digit(c) || is_beyond_ascii(c)) text += lower(c);
  }
  return text;
}

/// What pandas and R write above row numbers.
bool is_unnamed(const std::string& name) {
  constexpr std::string_view kPandas = "Unnamed: ";
  return name.empty() || (name.compare(0, kPandas.size(), kPandas) == 0 &&
                          name.find_first_not_of(kDigits, kPandas.size()) == std::string::npos);
}

class Finder {
 public:
  Finder(const std::vector<std::string>& header, const std::string& where) : header_(header), where_(where) {}

  Result<void> check_names() {
    for (std::size_t c = 0; c < header_.size(); ++c) {
      if (header_[c].empty()) continue;
      const auto [found, is_new] = places_.emplace(header_[c], c);
      if (is_new) continue;
      return refuse(where_, "column " + shown(header_[c]) + " is there twice, in places " +
                                std::to_string(found->second + 1) + " and " + std::to_string(c + 1));
    }
    return {};
  }

  bool has(const std::string& name) const { return places_.count(name) > 0; }

  Result<std::size_t> find(const std::string& option, const std::string& name) const {
    const auto found = places_.find(name);
    if (found != places_.end()) return found->second;
    const auto near = std::find_if(header_.begin(), header_.end(), [&](const std::string& other) {
      return bare(other) == bare(name) && name != other;
    });
    std::string hint;
    if (near != header_.end()) {
      hint = "; did you mean " + shown(*near) + "?";
    } else if (header_.size() == 1) {
      hint = "; columns are separated by commas, semicolons, tabs or bars";
    }
    return refuse(where_, option + ": there is no column " + shown(name) + ", there are " + listed(header_) + hint);
  }

  /// An option that may be absent.
  Result<std::optional<std::size_t>> find_optional(const std::string& option, const std::string& name) const {
    if (name.empty()) return std::optional<std::size_t>();
    const auto found = find(option, name);
    if (!found) return found.error();
    return std::optional<std::size_t>(*found);
  }

  /// Names and ranges.
  Result<std::vector<std::size_t>> find_all(const std::string& option, const std::vector<std::string>& texts) const {
    std::vector<std::size_t> found;
    for (const std::string& text : texts) {
      std::vector<std::string> names{text};
      if (!has(text)) {
        auto expanded = expand_range(text, option);
        if (!expanded) return expanded.error();
        names = std::move(*expanded);
      }
      for (const std::string& name : names) {
        const auto place = find(option, name);
        if (!place) return place.error();
        found.push_back(*place);
      }
    }
    return found;
  }

 private:
  const std::vector<std::string>& header_;
  const std::string& where_;
  std::map<std::string, std::size_t> places_;
};

bool is_one_of(const std::vector<std::size_t>& places, std::size_t place) {
  return std::find(places.begin(), places.end(), place) != places.end();
}

/// Every column without another meaning. What a raw log is to predict is seen up to then; that of a row is not.
Result<void> choose_others(Columns& columns, bool is_raw, const std::string& where) {
  for (std::size_t c = 0; c < columns.names.size(); ++c) {
    const bool has_meaning = columns.label == c || c == columns.device || columns.split == c || columns.time == c ||
                             columns.recording == c || (!is_raw && is_one_of(columns.targets, c));
    if (has_meaning) continue;
    (is_unnamed(columns.names[c]) ? columns.unnamed : columns.values).push_back(c);
  }
  if (!columns.values.empty()) return {};
  return refuse(where, "there is no column left for the sample, there are " + listed(columns.names));
}

/// Names that go into dataset.json.
Result<void> check_texts(const Columns& columns, const std::string& where) {
  std::vector<std::size_t> used = columns.values;
  used.insert(used.end(), columns.targets.begin(), columns.targets.end());
  used.push_back(columns.device);
  for (const auto& one : {columns.label, columns.split, columns.time, columns.recording}) {
    if (one) used.push_back(*one);
  }
  for (const std::size_t c : used) {
    const std::string fault = text_fault(columns.names[c]);
    if (fault.empty()) continue;
    return refuse(where, "the name of column " + std::to_string(c + 1) + ", " + shown(columns.names[c]) + ", " + fault +
                             "; " + encoding_remedy(fault));
  }
  return {};
}

Result<void> check_distinct(const Columns& columns, bool is_raw, const std::string& where) {
  std::vector<std::size_t> used = columns.values;
  used.push_back(columns.device);
  for (const auto& one : {columns.label, columns.split, columns.time, columns.recording}) {
    if (one) used.push_back(*one);
  }
  if (!is_raw) used.insert(used.end(), columns.targets.begin(), columns.targets.end());
  std::sort(used.begin(), used.end());
  const auto twice = std::adjacent_find(used.begin(), used.end());
  if (twice == used.end()) return {};
  return make_error(Status::kInvalidArgument, where + ": column " + shown(columns.names[*twice]) +
                                                  " is named twice by --label, --device, --split, --time, "
                                                  "--recording, --target and --columns");
}

}  // namespace

bool is_series(const Columns& columns) {
  constexpr std::size_t kLeast = 8;
  if (columns.values.size() < kLeast) return false;
  Numbered first;
  if (!split_number(columns.names[columns.values[0]], first)) return false;
  for (std::size_t v = 1; v < columns.values.size(); ++v) {
    Numbered next;
    if (!split_number(columns.names[columns.values[v]], next)) return false;
    if (next.stem != first.stem || next.number != first.number + v) return false;
  }
  return true;
}

Result<std::vector<std::string>> expand_range(const std::string& text, const std::string& option) {
  const std::size_t dots = text.find("..");
  if (dots == std::string::npos) return std::vector<std::string>{text};
  Numbered first;
  Numbered last;
  const bool is_range = split_number(text.substr(0, dots), first) && split_number(text.substr(dots + 2), last) &&
                        first.stem == last.stem && first.number <= last.number &&
                        last.number - first.number < kMostInRange;
  if (!is_range) {
    return make_error(Status::kInvalidArgument, option + ": " + shown(text) + " is no range, for example x0..x63");
  }
  const bool is_padded = first.digits.size() > 1 && first.digits[0] == '0';
  std::vector<std::string> names;
  for (std::uint32_t number = first.number; number <= last.number; ++number) {
    std::string digits = std::to_string(number);
    if (is_padded && digits.size() < first.digits.size()) digits.insert(0, first.digits.size() - digits.size(), '0');
    names.push_back(first.stem + digits);
  }
  return names;
}

Result<Columns> choose_columns(const std::vector<std::string>& header, const ImportOptions& options,
                               const std::string& where) {
  Finder finder(header, where);
  const Result<void> named = finder.check_names();
  if (!named) return named.error();
  Columns columns;
  columns.names = header;
  const bool is_raw = options.raw.window > 0;
  const auto device = finder.find("--device", options.device_column);
  const auto label = finder.find_optional("--label", options.label_column);
  const auto split = finder.find_optional("--split", options.split_column);
  const auto time = finder.find_optional("--time", options.time_column);
  const auto recording = finder.find_optional("--recording", options.raw.recording_column);
  for (const auto* found : {&label, &split, &time, &recording}) {
    if (!*found) return found->error();
  }
  if (!device) return device.error();
  columns.label = *label;
  columns.device = *device;
  columns.split = *split;
  columns.time = *time;
  columns.recording = *recording;
  auto targets = finder.find_all("--target", options.target_columns);
  if (!targets) return targets.error();
  columns.targets = std::move(*targets);
  auto values = finder.find_all("--columns", options.columns);
  if (!values) return values.error();
  columns.values = std::move(*values);
  const Result<void> others = options.columns.empty() ? choose_others(columns, is_raw, where) : Result<void>();
  if (!others) return others.error();
  const Result<void> distinct = check_distinct(columns, is_raw, where);
  if (!distinct) return distinct.error();
  const Result<void> texts = check_texts(columns, where);
  if (!texts) return texts.error();
  return columns;
}

}  // namespace skink::simulations
