#pragma once
/// @file
/// The residuals of all devices (error feedback, docs/codec.md, section 8). A device that has never sent anything costs
/// nothing. Different devices may be used by different threads at the same time.

#include <cstddef>
#include <cstdint>
#include <vector>

namespace skink::simulations {

class ResidualBank {
 public:
  ResidualBank(std::size_t devices, std::size_t numbers) : numbers_(numbers), residuals_(devices) {}

  /// [trainable parameters]; zeros at first.
  std::vector<float>& of(std::uint32_t device) {
    std::vector<float>& residual = residuals_[device];
    if (residual.empty()) residual.resize(numbers_);
    return residual;
  }
  /// Empty where a device has none yet.
  const std::vector<float>& peek(std::uint32_t device) const { return residuals_[device]; }
  std::uint32_t devices() const { return static_cast<std::uint32_t>(residuals_.size()); }
  std::size_t numbers() const { return numbers_; }

 private:
  std::size_t numbers_;
  std::vector<std::vector<float>> residuals_;
};

}  // namespace skink::simulations
