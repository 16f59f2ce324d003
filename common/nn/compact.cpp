#include "skink/common/nn/kernels/compact.hpp"

namespace skink::nn::kernels {

Window window_at(const LayerPlan& plan, size_t position) noexcept {
  const LayerSpec& spec = plan.spec;
  const size_t oy = position / plan.out.width;
  const size_t ox = position % plan.out.width;
  const Taps rows = taps_inside(oy, spec.stride_height, spec.kernel_height, plan.pad_top, plan.in.height);
  const Taps columns = taps_inside(ox, spec.stride_width, spec.kernel_width, plan.pad_left, plan.in.width);
  return {(rows.origin + rows.begin - plan.pad_top) * plan.in.width + columns.origin + columns.begin - plan.pad_left,
          rows.begin * spec.kernel_width + columns.begin, rows.end - rows.begin, columns.end - columns.begin};
}

template void max_pool_forward<float>(const LayerPlan&, const float*, float*) noexcept;
template void max_pool_backward<float>(const LayerPlan&, float*, const float*, Activation) noexcept;
template void channelwise_forward<float>(const LayerPlan&, const float*, const float*, const float*, float*) noexcept;
template void channelwise_backward<float>(const LayerPlan&, const float*, float*, const float*, float*,
                                          const Update<float>&) noexcept;
template void global_average_pool_forward<float>(const LayerPlan&, const float*, float*) noexcept;
template void global_average_pool_backward<float>(const LayerPlan&, float*, const float*, Activation) noexcept;
template void group_norm_forward<float>(const LayerPlan&, const float*, const float*, const float*, float*) noexcept;
template void group_norm_backward<float>(const LayerPlan&, const float*, float*, const float*, float*,
                                         const Update<float>&) noexcept;
template void rational_forward<float>(const float*, const float*, const float*, float*, size_t) noexcept;
template void rational_backward<float>(const float*, const float*, float*, const float*, size_t,
                                       const Update<float>&) noexcept;

}  // namespace skink::nn::kernels
