#include "row_plan.hpp"

#include <utility>

namespace skink::simulations {

nn::LayerPlan row_plan(const nn::LayerPlan& plan) noexcept {
  nn::LayerPlan row = plan;
  if (plan.spec.kind != nn::LayerKind::kConv2d || plan.in.width != 1 || plan.spec.kernel_width != 1) return row;
  std::swap(row.in.height, row.in.width);
  std::swap(row.out.height, row.out.width);
  std::swap(row.spec.kernel_height, row.spec.kernel_width);
  std::swap(row.spec.stride_height, row.spec.stride_width);
  std::swap(row.pad_top, row.pad_left);
  return row;
}

}  // namespace skink::simulations
