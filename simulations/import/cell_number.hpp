#pragma once
/// @file
/// Numbers and moments of time as foreign programs write them.

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "skink/host/result.hpp"

namespace skink::simulations {

/// Decimal marks that a file has used; one file uses one.
struct DecimalMarks {
  std::uint64_t point_line = 0;  ///< where a point was first, 0: nowhere
  std::uint64_t comma_line = 0;
};

/// Reads a number: an optional sign, digits, a decimal mark, an exponent. A decimal comma is understood where fields
/// are not separated by commas.
/// @param[in]     text       Without blanks around it.
/// @param[in]     separator  Of the file's fields.
/// @param[in]     line       Where it stands.
/// @param[in,out] marks      Of the file so far.
/// @returns a finite number within float32; kDamaged with what is wrong and what to do, without the place.
Result<double> parse_number(std::string_view text, char separator, std::uint64_t line, DecimalMarks& marks);

/// What programs write where there is no number: nothing, NA, NaN, null, #N/A.
bool is_missing(std::string_view text);

/// A date, a date with a time, or a time of day, after ISO 8601: 2026-03-01T12:30:00.250+01:00, also with a blank for
/// the T and a comma before the fraction. Without a zone it is UTC.
/// @returns seconds since 1970 or since midnight; nothing for any other text.
std::optional<double> parse_iso8601(std::string_view text);

/// Dates and times of any country, for hints: 1.3.2026 12:30, 03/01/26, 12:30:00.
bool looks_like_time(std::string_view text);

}  // namespace skink::simulations
