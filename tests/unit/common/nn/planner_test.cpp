#include "skink/common/nn/planner.hpp"

#include <catch2/catch.hpp>

#include "nets.hpp"

using namespace skink;
using namespace skink::test;

namespace {

nn::PlanRequest batch_of(std::uint32_t size) {
  nn::PlanRequest request;
  request.batch_size = size;
  return request;
}

std::size_t sum_of_parts(const nn::MemoryPlan& plan) {
  return plan.parameters + plan.inputs + plan.activations + plan.scratch + plan.gradients + plan.support + plan.codec +
         plan.latents + plan.residual;
}

}  // namespace

TEST_CASE("planner: online, a dense network needs its parameters, one input and its activations", "[common][nn]") {
  const nn::Network network = build(sine_net());
  const nn::MemoryPlan plan = plan_memory(network, batch_of(1));
  CHECK(plan.total == 4 * (1153 + 65 + 1));  // 32 + 32, 32 * 32 + 32, 32 + 1 parameters; 32 + 32 + 1 activations
  CHECK(plan.gradients == 0);
  CHECK(plan.scratch == 0);
}

TEST_CASE("planner: a mini-batch costs more than twice as much as online", "[common][nn]") {
  const nn::Network network = build(sine_net());
  const nn::MemoryPlan online = plan_memory(network, batch_of(1));
  const nn::MemoryPlan batch = plan_memory(network, batch_of(8));
  CHECK(batch.total == 4 * (2 * 1153 + 8 * (65 + 1)));
  CHECK(batch.total >= 2 * online.total);
}

TEST_CASE("planner: a batch beyond a slice costs no more", "[common][nn]") {
  const nn::Network network = build(conv_net());
  CHECK(plan_memory(network, batch_of(nn::kSliceSamples - 1)).total <
        plan_memory(network, batch_of(nn::kSliceSamples)).total);
  CHECK(plan_memory(network, batch_of(nn::kSliceSamples)).total == plan_memory(network, batch_of(1024)).total);
}

TEST_CASE("planner: buffered samples are inputs and targets, labels take one number", "[common][nn]") {
  nn::PlanRequest request = batch_of(1);
  request.buffered_samples = 10;
  CHECK(plan_memory(build(sine_net()), request).support == 4 * 10 * (1 + 1));
  CHECK(plan_memory(build(conv_net()), request).support == 4 * 10 * (196 + 1));
  const nn::Network two_outputs = build({{1, 1, 3}, {dense(2)}, nn::Loss::kMeanSquaredError});
  CHECK(plan_memory(two_outputs, request).support == 4 * 10 * (3 + 2));
}

TEST_CASE("planner: the total is the sum of the parts, which keep four-byte alignment", "[common][nn][property]") {
  NetLottery lottery(GENERATE(range(0U, 100U)));
  const nn::Network network = build(lottery.draw());
  nn::PlanRequest request = batch_of(1 + lottery.below(9));
  request.buffered_samples = lottery.below(20);
  request.latents = lottery.below(20);
  request.codec_bytes = std::size_t{4} * lottery.below(100);
  request.residual_bytes = std::size_t{4} * lottery.below(100);
  const nn::MemoryPlan plan = plan_memory(network, request);
  CHECK(plan.total == sum_of_parts(plan));
  CHECK(plan.total % 4 == 0);
  CHECK(plan.codec == request.codec_bytes);
  CHECK(plan.latents == 4 * request.latents * network.latent_size());
  CHECK(plan.residual == request.residual_bytes);
  CHECK(plan.gradients == (request.batch_size == 1 ? 0 : plan.parameters));
}
