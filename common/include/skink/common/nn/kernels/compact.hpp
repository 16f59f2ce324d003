#pragma once
/// @file
/// The kernels that are compiled for size on a device, apart from the others (nn/compact.cpp): those of layers whose
/// time is small beside the dense and convolution layers around them. Include from .cpp files only.

#include "skink/common/nn/kernels/all_kernels.hpp"

namespace skink::nn::kernels {

extern template void max_pool_forward<float>(const LayerPlan&, const float*, float*) noexcept;
extern template void max_pool_backward<float>(const LayerPlan&, float*, const float*, Activation) noexcept;
extern template void channelwise_forward<float>(const LayerPlan&, const float*, const float*, const float*,
                                                float*) noexcept;
extern template void channelwise_backward<float>(const LayerPlan&, const float*, float*, const float*, float*,
                                                 const Update<float>&) noexcept;
extern template void global_average_pool_forward<float>(const LayerPlan&, const float*, float*) noexcept;
extern template void global_average_pool_backward<float>(const LayerPlan&, float*, const float*, Activation) noexcept;
extern template void group_norm_forward<float>(const LayerPlan&, const float*, const float*, const float*,
                                               float*) noexcept;
extern template void group_norm_backward<float>(const LayerPlan&, const float*, float*, const float*, float*,
                                                const Update<float>&) noexcept;
extern template void rational_forward<float>(const float*, const float*, const float*, float*, size_t) noexcept;
extern template void rational_backward<float>(const float*, const float*, float*, const float*, size_t,
                                              const Update<float>&) noexcept;

}  // namespace skink::nn::kernels
