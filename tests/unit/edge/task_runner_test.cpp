/// @file
/// The inner loop against docs/arithmetic.md, section 7, done the long way.

#include <limits>

#include "fakes/task_rig.hpp"

using namespace skink;
using namespace skink::test;
using edge::Progress;
using edge::SampleSet;
using edge::TaskRunner;
using edge::TaskSettings;

TEST_CASE("task runner: an adaptation has the document's bits", "[edge][task_runner]") {
  const NetSpec spec = GENERATE(sine_net(), conv_net());
  const std::uint32_t batch_size = GENERATE(1U, 2U, 4U, 10U, 11U, 16U);  // 11 of 10 samples; 4: a last batch of 2
  const bool replayable = GENERATE(true, false);
  TaskRig rig(spec);
  rig.samples.replayable = replayable;
  const TaskSettings settings = adaptation(batch_size);
  REQUIRE(rig.begin(settings) == Status::kOk);
  REQUIRE(rig.run() == Progress::kDone);
  CHECK(result(rig) == without_signs(rig.adapted(settings, kOrder, settings.device_index)));
  CHECK(result(rig) != without_signs(rig.fake.parameters));
  CHECK(rig.runner.support_samples() == 10);
  REQUIRE(rig.samples.requests.size() == 1);
  CHECK((rig.samples.requests[0].number == 9 && rig.samples.requests[0].round == 4));
  CHECK_FALSE(rig.samples.requests[0].is_evaluation);
}

TEST_CASE("task runner: a proximal task is pulled towards phi after every step", "[edge][task_runner]") {
  const NetSpec spec = GENERATE(sine_net(), conv_net());
  TaskRig rig(spec);
  rig.samples.replayable = GENERATE(true, false);
  TaskSettings settings = adaptation(GENERATE(1U, 4U, 10U));
  const Numbers free = rig.begin(settings) == Status::kOk && rig.run() == Progress::kDone ? result(rig) : Numbers();
  const std::size_t planned = rig.runner.memory_plan().total;
  settings.proximal = 4.5F;
  REQUIRE(rig.begin(settings, planned) == Status::kOk);  // no memory is needed for it
  REQUIRE(rig.run() == Progress::kDone);
  CHECK(result(rig) == without_signs(rig.adapted(settings, kOrder, settings.device_index)));
  CHECK(result(rig) != free);
}

TEST_CASE("task runner: a query gradient moves phi, and needs the gradient buffer only", "[edge][task_runner]") {
  const NetSpec spec = GENERATE(sine_net(), conv_net());
  TaskRig rig(spec);
  rig.samples.replayable = GENERATE(true, false);
  rig.samples.counts.query = GENERATE(1U, 7U, 33U);
  TaskSettings settings = adaptation(GENERATE(1U, 4U, 20U));
  settings.change = wire::ChangeKind::kQueryGradient;
  nn::PlanRequest request;
  request.batch_size = settings.batch_size;
  request.query_gradient = true;
  request.buffered_samples = rig.samples.replayable ? 0 : 10;
  const nn::MemoryPlan plan = nn::plan_memory(rig.info.model.network, request);
  CHECK(plan.gradients == plan.parameters);
  CHECK(rig.begin(settings, plan.total - 4) == Status::kBufferTooSmall);
  REQUIRE(rig.begin(settings, plan.total) == Status::kOk);
  REQUIRE(rig.run() == Progress::kDone);
  const Numbers adapted = rig.adapted(settings, kOrder, settings.device_index);
  CHECK(result(rig) == without_signs(rig.stepped_from_phi(settings, adapted)));
}

TEST_CASE("task runner: a query gradient without a query set, or that diverges, is said", "[edge][task_runner]") {
  TaskRig rig(sine_net());
  TaskSettings settings = adaptation(GENERATE(1U, 4U));
  settings.change = wire::ChangeKind::kQueryGradient;
  rig.samples.counts.query = 0;
  CHECK(rig.begin(settings) == Status::kUnavailable);
  rig.samples.counts.query = 5;
  settings.passes = 0;
  rig.samples.target_scale = 1e30F;
  REQUIRE(rig.begin(settings) == Status::kOk);
  CHECK(rig.run() == Progress::kDiverged);
  rig.samples.change_target = [](SampleSet set, std::uint32_t index, float value) {
    return set == SampleSet::kQuery && index == 4 ? std::numeric_limits<float>::infinity() : value;
  };
  REQUIRE(rig.begin(settings) == Status::kOk);
  CHECK(rig.run() == Progress::kFailed);
  CHECK(rig.runner.failure() == Status::kInvalidArgument);
  settings.kind = wire::TaskKind::kEvaluate;
  CHECK(rig.begin(settings) == Status::kInvalidArgument);
}

TEST_CASE("task runner: phi that cannot be read again while it pulls is a failure", "[edge][task_runner]") {
  TaskRig rig(sine_net());
  TaskSettings settings = adaptation(GENERATE(1U, 10U));
  settings.proximal = 1.0F;
  REQUIRE(rig.begin(settings) == Status::kOk);
  REQUIRE(rig.runner.step() == Progress::kMore);  // phi is loaded
  rig.slot.readable = false;
  CHECK(rig.run() == Progress::kFailed);
  CHECK(rig.runner.failure() == Status::kUnavailable);
  CHECK(rig.runner.phi_failed());
}

TEST_CASE("task runner: a batch that is computed in slices has the document's bits", "[edge][task_runner]") {
  const NetSpec spec = GENERATE(sine_net(), conv_net());
  TaskRig rig(spec);
  rig.samples.counts.support = 45;
  rig.samples.replayable = GENERATE(true, false);
  const std::uint32_t batch_size = GENERATE(16U, 17U, 32U, 45U, 1024U);
  const TaskSettings settings = adaptation(batch_size);
  REQUIRE(rig.begin(settings) == Status::kOk);
  REQUIRE(rig.run() == Progress::kDone);
  CHECK(result(rig) == without_signs(rig.adapted(settings, kOrder, settings.device_index)));
}

TEST_CASE("task runner: a last batch of one sample is a batch", "[edge][task_runner]") {
  TaskRig rig(sine_net());
  const TaskSettings settings = adaptation(3);  // 3 + 3 + 3 + 1
  REQUIRE(rig.begin(settings) == Status::kOk);
  REQUIRE(rig.run() == Progress::kDone);
  CHECK(result(rig) == without_signs(rig.adapted(settings, kOrder, 9)));
}

TEST_CASE("task runner: no passes leave the parameters as they were", "[edge][task_runner]") {
  TaskRig rig(sine_net());
  TaskSettings settings = adaptation(GENERATE(1U, 4U));
  settings.passes = 0;
  REQUIRE(rig.begin(settings) == Status::kOk);
  REQUIRE(rig.run() == Progress::kDone);
  CHECK(result(rig) == without_signs(rig.fake.parameters));
}

TEST_CASE("task runner: an evaluation has the document's sums", "[edge][task_runner]") {
  const NetSpec spec = GENERATE(sine_net(), conv_net());
  TaskRig rig(spec);
  rig.samples.replayable = GENERATE(true, false);
  TaskSettings settings = adaptation(GENERATE(1U, 4U));
  settings.kind = wire::TaskKind::kEvaluate;
  settings.first_task = 20;
  settings.task_count = 3;
  const std::uint32_t step = GENERATE(1U, 5U);
  settings.task_step = step;
  REQUIRE(rig.begin(settings) == Status::kOk);
  REQUIRE(rig.run() == Progress::kDone);

  wire::Evaluation expected{};
  const NaiveNetwork naive(spec.input, spec.layers, spec.loss);
  FakeSamples& samples = rig.samples;
  TaskSettings any_round = settings;
  any_round.round = 0;  // tasks and orders of an evaluation are those of every other
  for (std::uint32_t task = 20; task < 20 + 3 * step; task += step) {
    samples.requests.push_back({settings.seed, 0, task, true});
    const Numbers adapted = rig.adapted(any_round, kEvaluationOrder, task);
    for (std::uint32_t q = 0; q < samples.counts.query; ++q) {
      for (const bool after : {false, true}) {
        const Numbers z = naive.forward(after ? adapted : rig.fake.parameters, rig.input(SampleSet::kQuery, q)).back();
        const Numbers target = rig.target(SampleSet::kQuery, q);
        Numbers unused;
        const auto loss = static_cast<std::uint64_t>(arithmetic::loss_to_fixed_point(naive.loss(z, target, unused)));
        std::size_t best = 0;
        for (std::size_t o = 1; o < z.size(); ++o) best = z[o] > z[best] ? o : best;
        const bool labels = nn::has_labels(spec.loss);
        const std::uint32_t correct = labels && static_cast<float>(best) == target[0] ? 1 : 0;
        (after ? expected.loss_after : expected.loss_before) += loss;
        (after ? expected.correct_after : expected.correct_before) += correct;
      }
    }
  }
  const wire::Evaluation& got = rig.runner.evaluation();
  CHECK((got.tasks == 3 && got.query_samples == 18 && got.diverged_tasks == 0));
  CHECK(got.loss_before == expected.loss_before);
  CHECK(got.loss_after == expected.loss_after);
  CHECK(got.correct_before == expected.correct_before);
  CHECK(got.correct_after == expected.correct_after);
}

TEST_CASE("task runner: a loss that is not finite ends the task at once", "[edge][task_runner]") {
  TaskRig rig(sine_net());
  rig.samples.target_scale = 1e30F;
  REQUIRE(rig.begin(adaptation(GENERATE(1U, 4U))) == Status::kOk);
  CHECK(rig.runner.step() == Progress::kMore);  // phi is loaded
  CHECK(rig.runner.step() == Progress::kDiverged);
  CHECK(rig.runner.step() == Progress::kDone);  // nothing more to do
}

TEST_CASE("task runner: parameters that end up infinite are a divergence", "[edge][task_runner]") {
  // A last step whose loss is finite but whose update is not.
  TaskRig rig({{1, 1, 1}, {dense(1)}, nn::Loss::kMeanSquaredError});
  rig.samples.counts.support = 1;
  rig.samples.target_scale = 1e18F;
  TaskSettings settings = adaptation(GENERATE(1U, 2U));
  settings.passes = 1;
  settings.inner_learning_rate = 1e30F;
  REQUIRE(rig.begin(settings) == Status::kOk);
  CHECK(rig.run() == Progress::kDiverged);
}

TEST_CASE("task runner: settings out of range are refused", "[edge][task_runner]") {
  TaskRig rig(sine_net());
  TaskSettings settings = adaptation(1);
  CHECK(rig.begin(settings) == Status::kOk);
  settings.passes = 1025;
  CHECK(rig.begin(settings) == Status::kInvalidArgument);
  settings = adaptation(0);
  CHECK(rig.begin(settings) == Status::kInvalidArgument);
  settings = adaptation(1025);
  CHECK(rig.begin(settings) == Status::kInvalidArgument);
  settings = adaptation(1);
  settings.inner_learning_rate = 0.0F;
  CHECK(rig.begin(settings) == Status::kInvalidArgument);
  for (const float proximal : {-0.5F, 34.0F, std::numeric_limits<float>::infinity(),
                               std::numeric_limits<float>::quiet_NaN()}) {  // 0.03 * 34 is above 1
    settings = adaptation(1);
    settings.proximal = proximal;
    CHECK(rig.begin(settings) == Status::kInvalidArgument);
  }
  settings = adaptation(1);
  settings.task_count = 0;
  CHECK(rig.begin(settings) == Status::kOk);  // of no meaning when adapting
  settings.kind = wire::TaskKind::kEvaluate;
  CHECK(rig.begin(settings) == Status::kInvalidArgument);
  CHECK(rig.runner.step() == Progress::kDone);
}

TEST_CASE("task runner: the arena must have the planned size, to the byte", "[edge][task_runner]") {
  TaskRig rig(GENERATE(sine_net(), conv_net()));
  rig.samples.replayable = GENERATE(true, false);
  TaskSettings settings = adaptation(GENERATE(1U, 8U));
  settings.codec_bytes = 64;
  REQUIRE(rig.begin(settings) == Status::kOk);
  nn::PlanRequest request;
  request.batch_size = settings.batch_size;
  request.buffered_samples = rig.samples.replayable ? 0 : 10;
  request.codec_bytes = 64;
  const std::size_t planned = nn::plan_memory(rig.info.model.network, request).total;
  CHECK(rig.runner.memory_plan().total == planned);
  CHECK(rig.begin(settings, planned) == Status::kOk);
  CHECK(rig.begin(settings, planned - 4) == Status::kBufferTooSmall);
  CHECK(rig.runner.memory_plan().total == planned);  // the figure is there although it does not fit
}

TEST_CASE("task runner: an evaluation whose later task has more samples than planned fails", "[edge][task_runner]") {
  TaskRig rig(sine_net());
  rig.samples.replayable = false;
  TaskSettings settings = adaptation(1);
  settings.kind = wire::TaskKind::kEvaluate;
  settings.task_count = 2;
  REQUIRE(rig.begin(settings) == Status::kOk);
  rig.samples.counts.support = 11;
  CHECK(rig.run() == Progress::kFailed);
  CHECK(rig.runner.failure() == Status::kBufferTooSmall);
}

TEST_CASE("task runner: callbacks that fail are reported", "[edge][task_runner]") {
  TaskRig rig(sine_net());
  rig.samples.begin_status = Status::kUnavailable;
  CHECK(rig.begin(adaptation(1)) == Status::kUnavailable);
  rig.samples.begin_status = Status::kOk;
  rig.samples.counts.support = 0;
  CHECK(rig.begin(adaptation(1)) == Status::kUnavailable);
  rig.samples.counts.support = 10;
  REQUIRE(rig.begin(adaptation(GENERATE(1U, 4U))) == Status::kOk);
  SECTION("phi") { rig.slot.readable = false; }
  SECTION("samples") { rig.samples.input_status = Status::kUnavailable; }
  CHECK(rig.run() == Progress::kFailed);
  CHECK(rig.runner.failure() == Status::kUnavailable);
}
