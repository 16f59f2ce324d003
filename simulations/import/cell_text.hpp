#pragma once
/// @file
/// Texts of a foreign file: for messages, and whether they may become names of a data set.

#include <string>
#include <string_view>

#include "skink/host/result.hpp"

namespace skink::simulations {

/// Letters and digits of ASCII, whatever the locale.
inline bool is_upper(char c) { return c >= 'A' && c <= 'Z'; }
inline bool is_lower(char c) { return c >= 'a' && c <= 'z'; }
inline bool is_digit(char c) { return c >= '0' && c <= '9'; }
inline char lower(char c) { return is_upper(c) ? static_cast<char>(c - 'A' + 'a') : c; }
/// Part of a character beyond ASCII.
inline bool is_beyond_ascii(char c) { return (static_cast<unsigned char>(c) & 0x80U) != 0; }

/// A foreign text for messages: in quotes, short, as UTF-8 without control characters.
std::string shown(std::string_view text);

/// Without blanks at both ends; no-break spaces are blanks.
std::string_view trimmed(std::string_view text);

/// Why a text cannot stand in dataset.json, "is not UTF-8 ..." or "has a control character ..."; empty: it can.
std::string text_fault(std::string_view text);

/// What to do about a file with such a text.
std::string encoding_remedy(std::string_view fault);

}  // namespace skink::simulations
