#pragma once
/// @file
/// Foreign text in messages: what a command line, a file or a peer says must not control the terminal that shows it.

#include <string>
#include <string_view>

namespace skink {

/// The text with every control character as \x1b, also those of Unicode (U+0080..U+009F) and bytes that are not
/// UTF-8. Ends of lines stay: messages have several.
std::string printable(std::string_view text);

}  // namespace skink
