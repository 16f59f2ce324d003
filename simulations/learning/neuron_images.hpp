#pragma once
/// @file
/// What a device has changed of its image: whether it counts, sums of it, the step of the coordinator. Included like
/// pack.hpp.

#include "pack_sums.hpp"
#include "skink/simulations/learning/lanes.hpp"

namespace skink::simulations::SKINK_ISA {

/// visit(begin, count) for each part.
template <class Visit>
void for_each_part(const ImageParts& parts, const Visit& visit) noexcept {
  for (size_t r = 0; r < parts.row_count; ++r) visit(parts.rows[r] * parts.row_size, parts.row_size);
  visit(parts.rest, parts.size - parts.rest);
}

static uint32_t verdict(IntLanes infinite, IntLanes too_large) noexcept {
  if (Traits::none(too_large)) return 0;  // infinite ones are too large
  return Traits::none(infinite) ? 2 : 1;
}

static uint32_t image_check(const ImageParts& parts, const float* w, const float* phi) noexcept {
  IntLanes infinite{};
  IntLanes too_large{};
  for_each_part(parts, [&](size_t begin, size_t count) {
    for (size_t i = begin; i < begin + count; i += kLanes) {
      const Pack change = packs(w + i)[0] - packs(phi + i)[0];
      infinite |= is_infinite(change);
      too_large |= is_too_large(change);
    }
  });
  return verdict(infinite, too_large);
}

/// Optimization: adds and looks in one pass; what turns out not to count is taken away again, which leaves no trace:
/// 64-bit sums wrap around.
static uint32_t image_take(const ImageParts& parts, const float* w, const float* phi, int64_t* sums) noexcept {
  IntLanes too_large{};
  for_each_part(parts, [&](size_t begin, size_t count) {
    for (size_t i = begin; i < begin + count; i += kLanes) {
      const Pack change = packs(w + i)[0] - packs(phi + i)[0];
      too_large |= is_too_large(change);
      add_fixed_point(change, sums + i);
    }
  });
  if (Traits::none(too_large)) return 0;
  for_each_part(parts, [&](size_t begin, size_t count) {
    for (size_t i = begin; i < begin + count; i += kLanes) {
      subtract_fixed_point(packs(w + i)[0] - packs(phi + i)[0], sums + i);
    }
  });
  return image_check(parts, w, phi);
}

static void image_step(const ImageParts& parts, float* w, float* phi, double meta_learning_rate,
                       uint32_t weight) noexcept {
  for_each_part(parts, [&](size_t begin, size_t count) {
    for (size_t i = begin; i < begin + count; i += kLanes) {
      const Pack old = packs(phi + i)[0];
      const Pack now = outer_step(old, packs(w + i)[0] - old, meta_learning_rate, weight);
      packs(phi + i)[0] = now;
      packs(w + i)[0] = now;
    }
  });
}

}  // namespace skink::simulations::SKINK_ISA
