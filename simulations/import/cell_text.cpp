#include "cell_text.hpp"

#include <fmt/format.h>

#include <cstddef>
#include <cstdint>

namespace skink::simulations {
namespace {

constexpr std::size_t kMostShown = 40;
constexpr std::string_view kNotUtf8 = "is not UTF-8";

/// Bytes of the character at the front; 0 when they are not UTF-8 (Unicode 15, table 3-7).
std::size_t character_bytes(std::string_view text) {
  const auto byte = [text](std::size_t i) -> unsigned {
    return i < text.size() ? static_cast<unsigned char>(text[i]) : 0;
  };
  const auto follows = [&byte](std::size_t i) { return (byte(i) & 0xc0) == 0x80; };
  const unsigned first = byte(0);
  const unsigned second = byte(1);
  if (first < 0x80) return 1;
  if (first >= 0xc2 && first <= 0xdf) return follows(1) ? 2 : 0;
  if (first >= 0xe0 && first <= 0xef) {
    const bool is_overlong = first == 0xe0 && second < 0xa0;
    const bool is_surrogate = first == 0xed && second > 0x9f;
    return follows(1) && follows(2) && !is_overlong && !is_surrogate ? 3 : 0;
  }
  if (first >= 0xf0 && first <= 0xf4) {
    const bool is_overlong = first == 0xf0 && second < 0x90;
    const bool is_beyond = first == 0xf4 && second > 0x8f;
    return follows(1) && follows(2) && follows(3) && !is_overlong && !is_beyond ? 4 : 0;
  }
  return 0;
}

/// C0, DEL and C1.
bool is_control(std::string_view character) {
  const auto first = static_cast<unsigned char>(character[0]);
  if (character.size() == 1) return first < 0x20 || first == 0x7f;
  return character.size() == 2 && first == 0xc2 && static_cast<unsigned char>(character[1]) < 0xa0;
}

bool take_blank(std::string_view& text, bool at_front) {
  for (const std::string_view blank : {" ", "\t", "\xc2\xa0"}) {
    if (text.size() < blank.size()) continue;
    const std::size_t begin = at_front ? 0 : text.size() - blank.size();
    if (text.substr(begin, blank.size()) != blank) continue;
    at_front ? text.remove_prefix(blank.size()) : text.remove_suffix(blank.size());
    return true;
  }
  return false;
}

}  // namespace

std::string shown(std::string_view text) {
  std::string out = "\"";
  while (!text.empty()) {
    const std::size_t bytes = character_bytes(text);
    const std::string_view character = text.substr(0, bytes == 0 ? 1 : bytes);
    if (out.size() + character.size() > kMostShown + 1) return out + "...\"";
    if (bytes == 0 || is_control(character)) {
      out += '?';
    } else {
      out += character;
    }
    text.remove_prefix(character.size());
  }
  return out + "\"";
}

std::string_view trimmed(std::string_view text) {
  while (take_blank(text, true)) {
  }
  while (take_blank(text, false)) {
  }
  return text;
}

std::string text_fault(std::string_view text) {
  while (!text.empty()) {
    const std::size_t bytes = character_bytes(text);
    const unsigned first = static_cast<unsigned char>(text[0]);
    if (bytes == 0) return fmt::format("{}: byte 0x{:02x}, as in Latin-1 or Windows-1252", kNotUtf8, first);
    if (is_control(text.substr(0, bytes))) {
      return first == '\n' || first == '\r' ? "has a line break"
                                            : fmt::format("has a control character, 0x{:02x}", first);
    }
    text.remove_prefix(bytes);
  }
  return {};
}

std::string encoding_remedy(std::string_view fault) {
  if (fault.substr(0, kNotUtf8.size()) != kNotUtf8) return "change it";
  return "save the file as \"CSV UTF-8\", or iconv -f WINDOWS-1252 -t UTF-8 OLD.csv > NEW.csv";
}

}  // namespace skink::simulations
