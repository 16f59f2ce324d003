#include "survey.hpp"

#include <utility>

namespace skink::simulations {
namespace {

constexpr std::size_t kMost = 65536;  // u16

/// False when there are too many of them.
bool count(std::string_view text, Counts& counts) {
  const auto found = counts.find(text);
  if (found != counts.end()) {
    ++found->second;
    return true;
  }
  counts.emplace(std::string(text), 1);
  return counts.size() <= kMost;
}

void join(const Range& from, Range& into) {
  into.add(from.min);
  into.add(from.max);
  into.is_whole = into.is_whole && from.is_whole;
}

}  // namespace

Result<Survey> survey(const ImportOptions& options, const Watch& watch) {
  auto reader = WindowReader::open(options);
  if (!reader) return reader.error();
  Survey found;
  found.ranges.resize(reader->columns().values.size());
  while (true) {
    const Result<bool> has_window = reader->next();
    if (!has_window) return has_window.error();
    if (!*has_window) break;
    const std::string limit = "more than " + std::to_string(kMost) + " different texts; is it the ";
    if (!count(reader->label(), found.labels)) {
      return reader->refuse(reader->columns().label, limit + "label?");
    }
    if (!count(reader->device(), found.devices)) {
      return reader->refuse(reader->columns().device, limit + "device?");
    }
    for (std::size_t v = 0; v < found.ranges.size(); ++v) found.ranges[v].add(reader->values()[v]);
    const Result<void> watched = watch(*reader, ++found.windows);
    if (!watched) return watched.error();
  }
  if (found.windows == 0) return make_error(Status::kDamaged, options.csv_file + ": has no windows, only a header");
  for (const Range& range : found.ranges) join(range, found.range);
  return found;
}

}  // namespace skink::simulations
