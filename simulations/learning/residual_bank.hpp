#pragma once
/// @file
/// The residuals of all devices (error feedback, docs/codec.md, section 8). A device that has never sent anything costs
/// nothing. Different devices may be used by different threads at the same time.

#include <cstddef>
#include <cstdint>
#include <utility>
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

  /// What is kept from now on can be taken back.
  /// @param[in] places  that keep() may name
  void begin_round(std::size_t places) { kept_.assign(places, {}); }
  /// Notes what a device has before its round; `place` is one thread's at a time.
  void keep(std::size_t place, std::uint32_t device) { kept_[place] = {true, device, residuals_[device]}; }
  /// Gives all devices that were noted back what they had.
  void take_back() {
    for (Kept& kept : kept_) {
      if (kept.is_set) residuals_[kept.device] = std::move(kept.residual);
      kept.is_set = false;
    }
  }

 private:
  struct Kept {
    bool is_set = false;
    std::uint32_t device = 0;
    std::vector<float> residual;
  };

  std::size_t numbers_;
  std::vector<std::vector<float>> residuals_;
  std::vector<Kept> kept_;
};

}  // namespace skink::simulations
