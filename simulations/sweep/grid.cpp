#include <algorithm>
#include <charconv>

#include "skink/simulations/sweep.hpp"

namespace skink::simulations {
namespace {

/// Splits at commas outside of quotes, brackets and braces.
std::vector<std::string> split_values(const std::string& text) {
  std::vector<std::string> values(1);
  int depth = 0;
  char quote = 0;
  for (const char c : text) {
    if (quote != 0) {
      if (c == quote) quote = 0;
    } else if (c == '"' || c == '\'') {
      quote = c;
    } else if (c == '[' || c == '{') {
      ++depth;
    } else if (c == ']' || c == '}') {
      --depth;
    } else if (c == ',' && depth == 0) {
      values.emplace_back();
      continue;
    }
    values.back() += c;
  }
  return values;
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

}  // namespace

Result<GridAxis> parse_axis(const std::string& text) {
  const auto bad = [&text](const std::string& why) {
    return make_error(Status::kInvalidArgument,
                      "--grid: '" + text + "': " + why + ", for example meta.inner_learning_rate=0.01,0.02");
  };
  const std::size_t equals = text.find('=');
  if (equals == std::string::npos || equals == 0) return bad("is not key=value,value");
  GridAxis axis{text.substr(0, equals), split_values(text.substr(equals + 1))};
  if (axis.key == "seed") return bad("seeds are given with --seeds");
  for (const std::string& value : axis.values) {
    if (value.empty()) return bad("a value is empty");
  }
  if (has_twice(axis.values)) return bad("a value is there twice");
  return axis;
}

Result<std::vector<std::uint64_t>> parse_seeds(const std::string& text) {
  constexpr std::size_t kMostSeeds = 10000;
  const auto bad = [&text](const std::string& why) {
    return make_error(Status::kInvalidArgument, "--seeds: '" + text + "' " + why + ", for example 0..4 or 1,2,7");
  };
  std::vector<std::uint64_t> seeds;
  for (const std::string& part : split_values(text)) {
    const std::size_t dots = part.find("..");
    std::uint64_t first = 0;
    std::uint64_t last = 0;
    const bool is_good = dots == std::string::npos
                             ? parse_number(part, first)
                             : parse_number(part.substr(0, dots), first) && parse_number(part.substr(dots + 2), last);
    if (!is_good) return bad("is no list of seeds");
    if (dots == std::string::npos) last = first;
    if (last < first) return bad("ends before it begins");
    if (last - first >= kMostSeeds || seeds.size() + (last - first) >= kMostSeeds) return bad("has too many seeds");
    for (std::uint64_t k = 0; k <= last - first; ++k) seeds.push_back(first + k);
  }
  if (has_twice(seeds)) return bad("has a seed twice");
  return seeds;
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
