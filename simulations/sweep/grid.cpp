#include <fmt/format.h>

#include <algorithm>
#include <charconv>

#include "skink/simulations/sweep.hpp"

namespace skink::simulations {
namespace {

std::string trimmed(const std::string& text) {
  const std::size_t first = text.find_first_not_of(" \t");
  return first == std::string::npos ? "" : text.substr(first, text.find_last_not_of(" \t") - first + 1);
}

/// Where a text of TOML values is, read character by character.
class TomlPlace {
 public:
  void pass(char c) {
    if (quote_ != 0) {
      if (is_escaped_) {
        is_escaped_ = false;
      } else if (c == '\\' && quote_ == '"') {
        is_escaped_ = true;
      } else if (c == quote_) {
        quote_ = 0;
      }
    } else if (c == '"' || c == '\'') {
      quote_ = c;
    } else if (c == '[' || c == '{') {
      ++depth_;
    } else if (c == ']' || c == '}') {
      --depth_;
    }
  }
  bool is_between_values() const { return quote_ == 0 && depth_ == 0; }

 private:
  int depth_ = 0;
  char quote_ = 0;
  bool is_escaped_ = false;
};

/// Splits at commas outside of quotes, brackets and braces. @returns false if one of these is not closed.
bool split_values(const std::string& text, std::vector<std::string>& values) {
  values.assign(1, "");
  TomlPlace place;
  for (const char c : text) {
    if (c == ',' && place.is_between_values()) {
      values.emplace_back();
      continue;
    }
    place.pass(c);
    values.back() += c;
  }
  for (std::string& value : values) value = trimmed(value);
  return place.is_between_values();
}

template <class Value>
bool has_twice(std::vector<Value> values) {
  std::sort(values.begin(), values.end());
  return std::adjacent_find(values.begin(), values.end()) != values.end();
}

bool parse_number(const std::string& text, std::uint64_t& number) {
  const char* end = text.data() + text.size();
  const auto [stopped, error] = std::from_chars(text.data(), end, number);
  return error == std::errc() && stopped == end;
}

/// Whether a setting of `outer` replaces what `inner` names: it is the same key, or the table or list around it.
bool holds(const std::string& outer, const std::string& inner) {
  return inner == outer || inner.compare(0, outer.size() + 1, outer + ".") == 0;
}

}  // namespace

Result<GridAxis> parse_axis(const std::string& text) {
  const auto bad = [&text](const std::string& why) {
    return make_error(Status::kInvalidArgument,
                      "--grid: '" + text + "': " + why + ", for example meta.inner_learning_rate=0.01,0.02");
  };
  const std::size_t equals = text.find('=');
  if (equals == std::string::npos || equals == 0) return bad("is not key=value,value");
  GridAxis axis{text.substr(0, equals), {}};
  if (!split_values(text.substr(equals + 1), axis.values)) return bad("a quote or bracket has no counterpart");
  if (axis.key == "seed") return bad("seeds are given with --seeds");
  for (const std::string& value : axis.values) {
    if (value.empty()) return bad("a value is empty");
  }
  if (has_twice(axis.values)) return bad("a value is there twice");
  return axis;
}

Result<std::vector<std::uint64_t>> parse_seeds(const std::string& text) {
  constexpr std::size_t kMostSeeds = 10000;
  constexpr auto kLargestSeed = static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max());
  const auto bad = [&text](const std::string& why) {
    return make_error(Status::kInvalidArgument, "--seeds: '" + text + "' " + why + ", for example 0..4 or 1,2,7");
  };
  std::vector<std::string> parts;
  (void)split_values(text, parts);  // a quote or bracket is no number either
  std::vector<std::uint64_t> seeds;
  for (const std::string& part : parts) {
    const std::size_t dots = part.find("..");
    std::uint64_t first = 0;
    std::uint64_t last = 0;
    const bool is_good = dots == std::string::npos
                             ? parse_number(part, first)
                             : parse_number(part.substr(0, dots), first) && parse_number(part.substr(dots + 2), last);
    if (!is_good) return bad("is no list of seeds");
    if (dots == std::string::npos) last = first;
    if (last < first) return bad("ends before it begins");
    if (last > kLargestSeed) return bad("has a seed above " + std::to_string(kLargestSeed));
    if (last - first >= kMostSeeds || seeds.size() + (last - first) >= kMostSeeds) return bad("has too many seeds");
    for (std::uint64_t k = 0; k <= last - first; ++k) seeds.push_back(first + k);
  }
  if (has_twice(seeds)) return bad("has a seed twice");
  return seeds;
}

Result<void> check_keys(const std::vector<Override>& overrides, const std::vector<GridAxis>& axes) {
  const auto bad = [](const std::string& message) { return make_error(Status::kInvalidArgument, message); };
  for (const Override& setting : overrides) {
    const auto replaces = [&setting](const GridAxis& axis) { return holds(axis.key, setting.key); };
    if (setting.key == "seed" || std::any_of(axes.begin(), axes.end(), replaces)) {
      return bad("--set: " + setting.key + " is swept; leave it to --grid and --seeds");
    }
  }
  for (std::size_t later = 1; later < axes.size(); ++later) {
    for (std::size_t earlier = 0; earlier < later; ++earlier) {
      const std::string& key = axes[later].key;
      if (axes[earlier].key == key) return bad("--grid: " + key + " is there twice");
      if (holds(key, axes[earlier].key)) {
        return bad(fmt::format("--grid: {0} replaces {1}; put --grid {0} first", key, axes[earlier].key));
      }
    }
  }
  return {};
}

std::vector<std::vector<Override>> grid_points(const std::vector<GridAxis>& axes) {
  std::vector<std::vector<Override>> points(1);
  for (const GridAxis& axis : axes) {
    std::vector<std::vector<Override>> longer;
    for (const auto& point : points) {
      for (const std::string& value : axis.values) {
        longer.push_back(point);
        longer.back().push_back({axis.key, value});
      }
    }
    points = std::move(longer);
  }
  return points;
}

}  // namespace skink::simulations
