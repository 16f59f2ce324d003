#pragma once
/// @file
/// Texts in the CSV files that Skink writes.

#include <string>

namespace skink {

/// A text as a field of a CSV file (RFC 4180): quoted where it has a comma, a quote or an end of a line.
std::string csv_field(const std::string& text);

}  // namespace skink
