#include "names.hpp"

#include <algorithm>
#include <charconv>
#include <iterator>

namespace skink::simulations {
namespace {

constexpr std::size_t kMost = 65536;  // u16

bool parse(const std::string& text, double& number) {
  const auto [end, code] = std::from_chars(text.data(), text.data() + text.size(), number);
  return code == std::errc() && end == text.data() + text.size() && number - number == 0;
}

}  // namespace

bool Names::add(std::string_view text) {
  if (numbers_.find(text) != numbers_.end()) return true;
  numbers_.emplace(std::string(text), 0);
  return numbers_.size() <= kMost;
}

void Names::number() {
  std::vector<std::pair<double, std::string>> order;
  bool is_numeric = true;
  for (const auto& [text, ignored] : numbers_) {
    double number = 0;
    is_numeric = is_numeric && parse(text, number);
    order.emplace_back(number, text);
  }
  if (is_numeric) std::sort(order.begin(), order.end());  // equal numbers, 1 and 01, by their bytes
  for (auto& [ignored, text] : order) {
    numbers_.find(text)->second = static_cast<std::uint32_t>(texts_.size());
    texts_.push_back(std::move(text));
  }
}

std::size_t Names::number_of(std::string_view text) const {
  const auto found = numbers_.find(text);
  return found == numbers_.end() ? numbers_.size() : found->second;
}

}  // namespace skink::simulations
