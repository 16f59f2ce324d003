#include "skink/rounds/outer_step.hpp"

#include "skink/common/arithmetic/fixed_point.hpp"

namespace skink::rounds {

void outer_step(const nn::Network& network, double epsilon, Span<const std::int64_t> sums, std::uint32_t total_weight,
                Span<float> parameters) {
  if (total_weight == 0) return;
  for (const nn::Tensor& tensor : network.tensors()) {
    if (!tensor.trainable) continue;
    for (std::size_t e = tensor.offset; e < tensor.offset + std::size_t{tensor.count}; ++e) {
      const double mean = arithmetic::mean_of_fixed_point(sums[e], total_weight);
      parameters[e] = arithmetic::outer_step(parameters[e], epsilon, mean);
    }
  }
}

}  // namespace skink::rounds
