// A product with a network of its own: learns a line sample by sample, names its topics, speaks MQTT. C++17.

#include <skink/common/nn/network.hpp>
#include <skink/common/nn/training.hpp>
#include <skink/common/wire/topics.hpp>
#include <skink/edge/client.hpp>
#include <skink/edge/mqtt/connection.hpp>

#include <cmath>
#include <cstdio>
#include <vector>

static_assert((__cplusplus == 201703L) == (WANTED_STANDARD == 17), "linking to Skink changed the standard");

namespace {

float wanted(const void* context, size_t /*sample*/, size_t /*output*/) { return *static_cast<const float*>(context); }

}  // namespace

int main() {
  using namespace skink;
  nn::LayerSpec dense;
  dense.kind = nn::LayerKind::kDense;
  dense.units = 1;
  nn::Network network;
  nn::BuildError error;
  const nn::Shape input{1, 1, 1};
  if (nn::Network::build(input, {&dense, 1}, nn::Loss::kMeanSquaredError, network, error) != Status::kOk) return 1;

  std::vector<float> parameters(network.parameter_count(), 0.0F);
  std::vector<float> sample(network.sample_count());
  std::vector<float> scratch(network.scratch_count());
  for (int step = 0; step < 2000; ++step) {
    const float x = static_cast<float>(step % 5) / 4.0F;
    const float target = 2.0F * x + 1.0F;
    sample[0] = x;
    const float loss =
        nn::online_step(network, {parameters.data(), parameters.size()}, 0.1F, {sample.data(), sample.size()},
                        {&target, &wanted}, {scratch.data(), scratch.size()});
    if (!std::isfinite(loss)) return 2;
  }
  std::printf("y = %.3f x + %.3f; a client takes %zu bytes\n", static_cast<double>(parameters[0]),
              static_cast<double>(parameters[1]), sizeof(edge::Client));
  return std::fabs(parameters[0] - 2.0F) < 0.01F && std::fabs(parameters[1] - 1.0F) < 0.01F ? 0 : 3;
}
