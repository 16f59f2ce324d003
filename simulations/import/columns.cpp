#include "columns.hpp"

#include <algorithm>
#include <charconv>
#include <cstdint>
#include <map>
#include <string_view>

namespace skink::simulations {
namespace {

constexpr std::size_t kMostShown = 40;
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

  Result<std::size_t> find(const char* option, const std::string& name) const {
    const auto found = places_.find(name);
    if (found != places_.end()) return found->second;
    const bool is_one = header_.size() == 1 && header_[0].find_first_of(";\t") != std::string::npos;
    return refuse(where_, std::string(option) + ": there is no column " + shown(name) + ", there are " +
                              listed(header_) + (is_one ? "; columns must be separated by commas" : ""));
  }

 private:
  const std::vector<std::string>& header_;
  const std::string& where_;
  std::map<std::string, std::size_t> places_;
};

Result<std::vector<std::size_t>> find_values(const Finder& finder, const ImportOptions& options) {
  std::vector<std::size_t> found;
  for (const std::string& text : options.columns) {
    std::vector<std::string> names{text};
    if (!finder.has(text)) {
      auto expanded = expand_range(text);
      if (!expanded) return expanded.error();
      names = std::move(*expanded);
    }
    for (const std::string& name : names) {
      const auto place = finder.find("--columns", name);
      if (!place) return place.error();
      found.push_back(*place);
    }
  }
  return found;
}

/// Every column without another meaning.
Result<std::vector<std::size_t>> other_columns(const Columns& columns, const std::string& where) {
  std::vector<std::size_t> found;
  for (std::size_t c = 0; c < columns.names.size(); ++c) {
    if (c == columns.label || c == columns.device || columns.split == c) continue;
    if (columns.names[c].empty()) {
      return refuse(where,
                    "column " + std::to_string(c + 1) +
                        " has no name; row numbers are no part of a sample: leave them out, or name the sample's "
                        "columns with --columns");
    }
    found.push_back(c);
  }
  if (found.empty()) return refuse(where, "there is no column left for the sample, there are " + listed(columns.names));
  return found;
}

Result<void> check_distinct(const Columns& columns, const std::string& where) {
  std::vector<std::size_t> used = columns.values;
  used.push_back(columns.label);
  used.push_back(columns.device);
  if (columns.split) used.push_back(*columns.split);
  std::sort(used.begin(), used.end());
  const auto twice = std::adjacent_find(used.begin(), used.end());
  if (twice == used.end()) return {};
  return make_error(Status::kInvalidArgument, where + ": column " + shown(columns.names[*twice]) +
                                                  " is named twice by --label, --device, --split and --columns");
}

}  // namespace

std::string shown(std::string_view text) {
  std::string out = "\"";
  for (const char c : text.substr(0, kMostShown)) out += static_cast<unsigned char>(c) < 0x20 || c == 0x7f ? '?' : c;
  return out + (text.size() > kMostShown ? "...\"" : "\"");
}

std::string_view trimmed(std::string_view text) {
  const std::size_t begin = text.find_first_not_of(" \t");
  if (begin == std::string_view::npos) return {};
  return text.substr(begin, text.find_last_not_of(" \t") + 1 - begin);
}

Result<std::vector<std::string>> expand_range(const std::string& text) {
  const std::size_t dots = text.find("..");
  if (dots == std::string::npos) return std::vector<std::string>{text};
  Numbered first;
  Numbered last;
  const bool is_range = split_number(text.substr(0, dots), first) && split_number(text.substr(dots + 2), last) &&
                        first.stem == last.stem && first.number <= last.number &&
                        last.number - first.number < kMostInRange;
  if (!is_range) {
    return make_error(Status::kInvalidArgument, "--columns: " + shown(text) + " is no range, for example x0..x63");
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
  const auto label = finder.find("--label", options.label_column);
  if (!label) return label.error();
  columns.label = *label;
  const auto device = finder.find("--device", options.device_column);
  if (!device) return device.error();
  columns.device = *device;
  if (!options.split_column.empty()) {
    const auto split = finder.find("--split", options.split_column);
    if (!split) return split.error();
    columns.split = *split;
  }
  auto values = options.columns.empty() ? other_columns(columns, where) : find_values(finder, options);
  if (!values) return values.error();
  columns.values = std::move(*values);
  const Result<void> distinct = check_distinct(columns, where);
  if (!distinct) return distinct.error();
  return columns;
}

}  // namespace skink::simulations
