#pragma once
/// @file
/// Columns that are probably no part of a sample: time stamps, row numbers, columns without a name. A time stamp that
/// slips into the features makes every result too good.

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "columns.hpp"

namespace skink::simulations {

class Suspects {
 public:
  /// @param[in] is_asked  Nobody named the sample's columns, so that there may be some too many.
  Suspects(const Columns& columns, bool is_asked);

  /// The numbers of a row, of columns.values.
  void add(std::string_view device, const std::vector<double>& values);
  /// A cell of a column without a name. @returns why it is neither a row number nor empty; empty: it is.
  std::string add_unnamed(std::size_t column, std::string_view text);

  /// A warning for each column that is probably no feature.
  std::vector<std::string> warnings(const Columns& columns) const;
  /// What was left out, and why.
  std::vector<std::string> notes(const Columns& columns) const;

 private:
  struct Growth {
    double min = 0;
    double max = 0;
    bool is_growing = true;  ///< from row to row of each device
    double range() const { return max - min; }
  };
  struct Unnamed {
    bool is_empty = true;
    double last = 0;
    std::vector<bool> seen;  ///< small numbers, which may come in any order: of a table that was shuffled
  };

  static bool is_row_number(std::string_view text, Unnamed& unnamed);
  void follow(std::string_view device, const std::vector<double>& values);
  std::vector<double> ranges() const;

  bool is_asked_;
  std::uint64_t rows_ = 0;
  std::uint64_t steps_ = 0;                                       ///< from a row to the next of its device
  std::vector<Growth> growth_;                                    ///< of each column of values
  std::vector<std::size_t> followed_;                             ///< places in values that have only grown
  std::map<std::string, std::vector<double>, std::less<>> last_;  ///< of each device, of those followed at the time
  std::map<std::size_t, Unnamed> unnamed_;
};

/// Does a column's name say that it is a time? "timestamp", "Time (s)", "seconds_elapsed", "Datum", not "rise_time".
bool names_a_time(std::string_view name);

}  // namespace skink::simulations
