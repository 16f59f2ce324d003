#include "skink/common/nn/internal/compact.hpp"

namespace skink::nn::internal {

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

}  // namespace skink::nn::internal
