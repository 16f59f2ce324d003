#pragma once
/// @file
/// Memory for lanes.

#include <cstddef>
#include <memory>
#include <new>

#include "skink/simulations/learning/lanes.hpp"

namespace skink::simulations {

/// Numbers at an address that is a multiple of kLaneAlignment.
class LaneBuffer {
 public:
  void resize(std::size_t count) {
    numbers_.reset(static_cast<float*>(::operator new[](count * sizeof(float) + kLaneAlignment, kAlign)));
    count_ = count;
  }
  float* data() { return numbers_.get(); }
  const float* data() const { return numbers_.get(); }
  std::size_t size() const { return count_; }

 private:
  static constexpr std::align_val_t kAlign{kLaneAlignment};
  struct Free {
    void operator()(float* numbers) const { ::operator delete[](numbers, kAlign); }
  };
  std::unique_ptr<float[], Free> numbers_;
  std::size_t count_ = 0;
};

}  // namespace skink::simulations
