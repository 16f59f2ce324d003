#include "suspects.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <cmath>
#include <iterator>

#include "cell_text.hpp"

namespace skink::simulations {
namespace {

constexpr std::uint64_t kFewSteps = 10;     // so many may all go up by chance
constexpr std::size_t kMostGrowing = 2;     // where more columns grow, it is what is measured that grows
constexpr std::size_t kMostDevices = 4096;  // that are followed
constexpr double kMostSeen = 1 << 26;       // row numbers that are kept, a bit each
constexpr double kEnormous = 1e6;           // times the usual range

constexpr std::string_view kTimes[] = {
    "time", "times", "timestamp", "timestamps", "ts",     "date",        "datetime", "epoch", "elapsed",  "clock",
    "utc",  "zeit",  "datum",     "uhrzeit",    "millis", "zeitstempel", "tijd",     "temps", "horodate", "stamp"};
constexpr std::string_view kBeside[] = {
    "s",     "ms",    "us",       "ns",          "sec",          "secs", "seconds", "milliseconds", "unix",
    "posix", "local", "system",   "sensor",      "logging",      "of",   "the",     "day",          "in",
    "start", "rel",   "relative", "nanoseconds", "microseconds", "x",    "txt"};

template <class List>
bool is_in(const List& list, const std::string& word) {
  return std::find(std::begin(list), std::end(list), word) != std::end(list);
}

/// Words in lower case: "loggingTime(txt)" as logging, time, txt.
std::vector<std::string> words_of(std::string_view name) {
  std::vector<std::string> words(1);
  bool was_lower = false;
  for (const char letter : name) {
    const bool is_letter = is_upper(letter) || is_lower(letter) || is_beyond_ascii(letter);
    const bool begins = !is_letter || (was_lower && is_upper(letter));
    if (begins && !words.back().empty()) words.emplace_back();
    if (is_letter) words.back() += lower(letter);
    was_lower = is_lower(letter);
  }
  if (words.back().empty()) words.pop_back();
  return words;
}

}  // namespace

bool names_a_time(std::string_view name) {
  const std::vector<std::string> words = words_of(name);
  const bool has_time = std::any_of(words.begin(), words.end(), [](const auto& word) { return is_in(kTimes, word); });
  return has_time && std::all_of(words.begin(), words.end(),
                                 [](const auto& word) { return is_in(kTimes, word) || is_in(kBeside, word); });
}

Suspects::Suspects(const Columns& columns, bool is_asked) : is_asked_(is_asked) {
  if (!is_asked) return;
  growth_.resize(columns.values.size());
  for (std::size_t v = 0; v < growth_.size(); ++v) followed_.push_back(v);
}

void Suspects::follow(std::string_view device, const std::vector<double>& values) {
  const auto found = last_.find(device);
  if (found == last_.end()) {
    if (last_.size() < kMostDevices) last_.emplace(device, values);
    return;
  }
  ++steps_;
  std::vector<std::size_t> still;
  for (const std::size_t v : followed_) {
    growth_[v].is_growing = values[v] > found->second[v];
    if (growth_[v].is_growing) still.push_back(v);
    found->second[v] = values[v];
  }
  followed_ = std::move(still);
  if (followed_.empty()) last_.clear();
}

void Suspects::add(std::string_view device, const std::vector<double>& values) {
  if (!is_asked_) return;
  for (std::size_t v = 0; v < growth_.size(); ++v) {
    Growth& growth = growth_[v];
    growth.min = rows_ == 0 ? values[v] : std::min(growth.min, values[v]);
    growth.max = rows_ == 0 ? values[v] : std::max(growth.max, values[v]);
  }
  ++rows_;
  if (!followed_.empty()) follow(device, values);
}

/// Whole numbers, none of them twice: small ones in any order, others ascending.
bool Suspects::is_row_number(std::string_view text, Unnamed& unnamed) {
  double number = 0;
  const auto parsed = std::from_chars(text.data(), text.data() + text.size(), number);
  if (parsed.ec != std::errc() || parsed.ptr != text.data() + text.size()) return false;
  if (number != std::floor(number) || number < 0) return false;
  const bool is_higher = unnamed.is_empty || number > unnamed.last;
  if (number >= kMostSeen) {
    unnamed.last = std::max(unnamed.last, number);
    return is_higher;
  }
  const auto place = static_cast<std::size_t>(number);
  if (place >= unnamed.seen.size()) unnamed.seen.resize(std::max(place + 1, 2 * unnamed.seen.size()));
  if (unnamed.seen[place]) return false;
  unnamed.seen[place] = true;
  return true;
}

std::string Suspects::add_unnamed(std::size_t column, std::string_view text) {
  Unnamed& unnamed = unnamed_[column];
  if (text.empty() && unnamed.is_empty) return "";
  if (!is_row_number(text, unnamed)) {
    return "column " + std::to_string(column + 1) + " has no name and holds " + shown(text) +
           ", which is no row number; give it a name, or name the sample's columns with --columns";
  }
  unnamed.is_empty = false;
  return "";
}

std::vector<std::string> Suspects::notes(const Columns& columns) const {
  std::vector<std::string> notes;
  for (const auto& [column, unnamed] : unnamed_) {
    const std::string name = columns.names[column].empty() ? "without a name" : shown(columns.names[column]);
    notes.push_back(fmt::format("column {} {} {}: left out", column + 1, name,
                                unnamed.is_empty ? "is empty" : "holds row numbers"));
  }
  return notes;
}

namespace {

/// The median of all but one of them; 0 when there is no other.
/// @param[in] but  one of them, or 0, which is none
double median_without(const std::vector<double>& sorted, double but) {
  const auto place = static_cast<std::size_t>(std::lower_bound(sorted.begin(), sorted.end(), but) - sorted.begin());
  const bool is_one = but > 0;
  const std::size_t others = sorted.size() - (is_one ? 1 : 0);
  if (others == 0) return 0;
  const std::size_t middle = others / 2;
  return sorted[is_one && middle >= place ? middle + 1 : middle];
}

}  // namespace

/// Of the columns that are not constant, ascending.
std::vector<double> Suspects::ranges() const {
  std::vector<double> ranges;
  for (const Growth& one : growth_) {
    if (one.range() > 0) ranges.push_back(one.range());
  }
  std::sort(ranges.begin(), ranges.end());
  return ranges;
}

std::vector<std::string> Suspects::warnings(const Columns& columns) const {
  std::vector<std::string> warnings;
  const auto growing = static_cast<std::size_t>(
      std::count_if(growth_.begin(), growth_.end(), [](const Growth& one) { return one.is_growing; }));
  const bool tells_growth = steps_ >= kFewSteps && growing <= kMostGrowing;
  const std::vector<double> sorted = ranges();
  for (std::size_t v = 0; v < growth_.size(); ++v) {
    const std::string& name = columns.names[columns.values[v]];
    const double usual = median_without(sorted, growth_[v].range());
    std::string why;
    if (names_a_time(name)) {
      why = "has the name of a time";
    } else if (growth_[v].is_growing && tells_growth) {
      why = "only grows within each device, as time stamps and row numbers do";
    } else if (usual > 0 && growth_[v].range() > kEnormous * usual) {
      why = "spans a range far beyond that of the others";
    }
    if (why.empty()) continue;
    warnings.push_back("column " + shown(name) + " " + why +
                       ", and is a value of every sample here; if it is a time: " +
                       "--time; if it is no measurement: name the others with --columns");
  }
  return warnings;
}

}  // namespace skink::simulations
