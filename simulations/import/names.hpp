#pragma once
/// @file
/// Texts of a file that become numbers: labels and devices, in the order in which people count.

#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace skink::simulations {

class Names {
 public:
  /// Collects a text. @returns false when there are more than u16 counts.
  bool add(std::string_view text);
  /// After the last: gives each a number. Texts that are all numbers are in the order of these, 1, 2, 10; others in
  /// that of their bytes.
  void number();

  std::size_t size() const noexcept { return numbers_.size(); }
  /// After number(): the texts; a text's number, or size() for one that was not collected.
  const std::vector<std::string>& texts() const noexcept { return texts_; }
  std::size_t number_of(std::string_view text) const;

 private:
  std::map<std::string, std::uint32_t, std::less<>> numbers_;
  std::vector<std::string> texts_;
};

}  // namespace skink::simulations
