#pragma once
/// @file
/// Which columns of a CSV file hold what.

#include <cstddef>
#include <optional>
#include <string>
#include <vector>

#include "skink/host/result.hpp"
#include "skink/simulations/import.hpp"

namespace skink::simulations {

struct Columns {
  std::vector<std::string> names;  ///< all of the file, in its order
  std::optional<std::size_t> label;
  std::size_t device = 0;
  std::optional<std::size_t> split;
  std::optional<std::size_t> time;
  std::optional<std::size_t> recording;
  std::vector<std::size_t> values;   ///< in the sample's order
  std::vector<std::size_t> targets;  ///< of a raw log they may be values too
  std::vector<std::size_t> unnamed;  ///< row numbers, or nothing: left out
};

/// Finds the columns that the options name. `where` stands before messages ("windows.csv:1"). Names that will stand in
/// the data set are checked.
Result<Columns> choose_columns(const std::vector<std::string>& header, const ImportOptions& options,
                               const std::string& where);

/// "x0..x63" as 64 names, any other text as itself. @returns kInvalidArgument for a range that is none; `option` stands
/// before the message.
Result<std::vector<std::string>> expand_range(const std::string& text, const std::string& option = "--columns");

/// Are the sample's columns numbered one after another, as x0..x63, so that they are probably readings of one channel?
bool is_series(const Columns& columns);

}  // namespace skink::simulations
