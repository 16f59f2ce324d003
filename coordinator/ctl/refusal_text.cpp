#include "refusal_text.hpp"

#include <array>
#include <string_view>
#include <utility>

namespace skink::ctl {
namespace {

/// Those of a gate go first: its `wait_s` is another one than a run's.
constexpr std::array<std::pair<std::string_view, std::string_view>, 14> kOptions{{
    {"'gate': 'group'", "--gate"},
    {"'gate': 'wait_s'", "--gate-wait"},
    {"'gate': 'least_gain'", "--least-gain"},
    {"'gate': 'least_devices'", "--least-devices"},
    {"least_gain", "--least-gain"},
    {"least_devices", "--least-devices"},
    {"every_s", "--every"},
    {"first_s", "--first"},
    {"devices_worse", "--devices-worse"},
    {"new_devices", "--new-devices"},
    {"from_latest", "--from-latest"},
    {"checkpoint_rounds", "--keep-every"},
    {"init_model", "--init-model"},
    {"wait_s", "--wait"},
}};

bool is_of_word(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' || c == '-' || c == '.';
}

/// Every `name` that is a word of its own, with its quotes where it has some.
void replace_word(std::string& text, std::string_view name, std::string_view option) {
  for (std::size_t at = text.find(name); at != std::string::npos; at = text.find(name, at)) {
    std::size_t end = at + name.size();
    const bool is_word = (at == 0 || !is_of_word(text[at - 1])) && (end == text.size() || !is_of_word(text[end]));
    if (!is_word) {
      at = end;
      continue;
    }
    const bool is_quoted = at > 0 && end < text.size() && text[at - 1] == '\'' && text[end] == '\'';
    at -= static_cast<std::size_t>(is_quoted);
    end += static_cast<std::size_t>(is_quoted);
    text.replace(at, end - at, option);
    at += option.size();
  }
}

}  // namespace

std::string refusal_text(std::string detail, const std::string& code) {
  const bool is_of_file = detail.starts_with("experiment:");
  for (const auto& [name, option] : kOptions) {
    if (!is_of_file) replace_word(detail, name, option);
  }
  while (!detail.empty() && detail.back() == '\n') detail.pop_back();
  constexpr std::string_view kIndented = "\n  ";
  const bool has_lines = detail.find('\n') != std::string::npos;
  for (std::size_t at = detail.find('\n'); at != std::string::npos; at = detail.find('\n', at + kIndented.size())) {
    detail.replace(at, 1, kIndented);
  }
  return detail + (has_lines ? "\n(" : " (") + code + ")";
}

}  // namespace skink::ctl
