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
  std::size_t label = 0;
  std::size_t device = 0;
  std::optional<std::size_t> split;
  std::vector<std::size_t> values;  ///< in the sample's order
};

/// Finds the columns that the options name. `where` stands before messages ("windows.csv:1").
Result<Columns> choose_columns(const std::vector<std::string>& header, const ImportOptions& options,
                               const std::string& where);

/// "x0..x63" as 64 names, any other text as itself. @returns kInvalidArgument for a range that is none.
Result<std::vector<std::string>> expand_range(const std::string& text);

/// A foreign text for messages: in quotes, short, without control characters.
std::string shown(std::string_view text);

/// Without blanks at both ends.
std::string_view trimmed(std::string_view text);

}  // namespace skink::simulations
