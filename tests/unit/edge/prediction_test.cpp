/// @file
/// Client::predict: whose weights it uses, when it refuses, and that no round notices it.

#include <algorithm>
#include <catch2/catch.hpp>

#include "fakes/client_bench.hpp"
#include "skink/edge/task_runner.hpp"

using namespace skink;
using namespace skink::test;
using edge::ClientState;
using edge::Weights;
using wire::Verdict;

namespace {

using Floats = std::vector<float>;

/// Two networks: numbers, and labels after a convolution, whose activations share memory.
NetSpec some_net() { return GENERATE(sine_net(), conv_net()); }

Floats stored_input(const ClientBench& bench, std::uint32_t number = 0) {
  Floats stored(bench.model.model.network.input_size());
  for (std::size_t i = 0; i < stored.size(); ++i) {
    stored[i] = static_cast<float>((i * 7 + number * 3) % 11) * 0.17F - 0.6F;
  }
  return stored;
}

/// The forward pass of a host, in memory of its own.
Floats host_outputs(const model::Model& model, const Floats& weights, const Floats& stored) {
  Floats sample(model.network.sample_count());
  for (std::size_t i = 0; i < stored.size(); ++i) sample[i] = stored[i] * model.input.scale + model.input.offset;
  const auto outputs =
      nn::predict(model.network, {weights.data(), weights.size()}, Span<float>(sample.data(), sample.size()));
  return {outputs.begin(), outputs.end()};
}

struct Answer {
  Status status = Status::kOk;
  Floats outputs;
};

Answer ask(ClientBench& bench, std::uint32_t number = 0) {
  const Floats stored = stored_input(bench, number);
  Answer answer;
  answer.outputs.assign(bench.model.model.network.output_size(), -99.0F);
  answer.status =
      bench.client->predict({stored.data(), stored.size()}, Span<float>(answer.outputs.data(), answer.outputs.size()));
  return answer;
}

bool is_untouched(const Answer& answer) {
  return std::all_of(answer.outputs.begin(), answer.outputs.end(), [](float value) { return value == -99.0F; });
}

bool same_bits(const Floats& a, const Floats& b) {
  return a.size() == b.size() && std::memcmp(a.data(), b.data(), a.size() * sizeof(float)) == 0;
}

/// What `task` adapts the bench's model to, computed apart from any client. The last task of an evaluation.
Floats adapted(const ClientBench& bench, const wire::Task& task) {
  edge::TaskSettings settings;
  const bool evaluates = task.kind == skink_wire_TaskKind_TASK_KIND_EVALUATE;
  settings.kind = evaluates ? wire::TaskKind::kEvaluate : wire::TaskKind::kAdapt;
  settings.seed = task.seed;
  settings.round = task.round;
  settings.device_index = task.device_index;
  settings.first_task = task.first_task;
  settings.task_count = task.task_count;
  settings.inner_learning_rate = task.inner_learning_rate;
  settings.passes = task.passes;
  settings.batch_size = task.batch_size;
  model::ModelInfo info;
  const Bytes file{bench.model.file.data(), bench.model.file.size()};
  const model::ByteSource phi = model::source_of(file);
  REQUIRE(model::inspect(phi, info) == Status::kOk);
  FakeSamples samples = bench.samples;
  Floats arena(65536);
  edge::TaskRunner runner;
  REQUIRE(runner.begin(info, phi, samples.source(), settings,
                       {reinterpret_cast<std::uint8_t*>(arena.data()), arena.size() * sizeof(float)}) == Status::kOk);
  edge::Progress progress = edge::Progress::kMore;
  for (int step = 0; progress == edge::Progress::kMore && step < 100000; ++step) progress = runner.step();
  REQUIRE(progress == edge::Progress::kDone);
  return {runner.parameters().begin(), runner.parameters().end()};
}

void check_prediction(ClientBench& bench, const Floats& weights, Weights kind) {
  for (std::uint32_t number = 0; number < 3; ++number) {
    const Answer answer = ask(bench, number);
    REQUIRE(answer.status == Status::kOk);
    CHECK(same_bits(answer.outputs, host_outputs(bench.model.model, weights, stored_input(bench, number))));
  }
  CHECK(bench.client->weights() == kind);
}

/// A download, two rounds, a repeat, an evaluation, a divergence and another model; everything that was published.
/// With predictions, one stands at every place where a port could call.
std::vector<Sent> everything(const NetSpec& net, bool predicts, std::uint32_t batch_size) {
  ClientBench bench({net, 65536, 32768, 0});
  std::vector<Sent> all;
  const auto look = [&] {
    if (!predicts) return;
    const Answer answer = ask(bench);
    if (answer.status != Status::kOk) REQUIRE(is_untouched(answer));
    CHECK((answer.status == Status::kOk || bench.client->has_work() || !bench.client->has_model()));
  };
  const auto run = [&](wire::Task task, Verdict verdict) {
    task.batch_size = batch_size;
    bench.give(task);
    look();
    for (std::uint32_t chunk = 0; bench.client->state() == ClientState::kDownloading; ++chunk) {
      REQUIRE(bench.give_chunk(chunk));
      look();
    }
    while (bench.client->has_work()) {
      look();
      bench.client->work(bench.now);
    }
    for (int repeat = 0; repeat < 2; ++repeat) {
      look();
      Sent sent;
      while (bench.next(sent)) {  // a chunk is made of phi and weights when it is its turn
        look();
        all.push_back(sent);
        if (sent.kind == edge::ActionKind::kPublish) bench.client->on_published(bench.now);
        look();
      }
      bench.give(task);  // the same again
    }
    for (const Sent& sent : bench.pump()) all.push_back(sent);
    bench.reply(task, verdict);
    look();
  };
  look();
  bench.connect();
  run(bench.task(0), Verdict::kAccepted);
  run(bench.task(1), Verdict::kRefused);
  run(bench.evaluation(2), Verdict::kAccepted);
  bench.model = FakeModel(net, 2);
  run(bench.task(3), Verdict::kAccepted);
  bench.samples.replayable = false;
  wire::Task wild = bench.task(4);
  wild.inner_learning_rate = 1e30F;
  run(wild, Verdict::kAccepted);
  bench.restart();
  look();
  REQUIRE(bench.client->restore_model(static_cast<std::uint32_t>(bench.model.file.size())) == Status::kOk);
  look();
  bench.connect();
  run(bench.task(5), Verdict::kAccepted);
  REQUIRE(bench.client->counters().adapted == 1);
  return all;
}

}  // namespace

TEST_CASE("predict: no update differs, whenever and however often it is called", "[edge][client][predict]") {
  const NetSpec net = some_net();
  const std::uint32_t batch_size = GENERATE(1U, 4U);
  const std::vector<Sent> without = everything(net, false, batch_size);
  REQUIRE(ClientBench::updates(without).size() > 10);
  CHECK(same_payloads(everything(net, true, batch_size), without));
}

TEST_CASE("predict: without a model there is nothing to predict with", "[edge][client][predict]") {
  ClientBench bench;
  const Answer answer = ask(bench);
  CHECK(answer.status == Status::kUnavailable);
  CHECK(is_untouched(answer));
  CHECK(bench.client->weights() == Weights::kNone);
  bench.connect();
  bench.give(bench.task());
  CHECK(bench.client->state() == ClientState::kDownloading);
  CHECK(ask(bench).status == Status::kUnavailable);
}

TEST_CASE("predict: while a task is worked on the arena is not to be had", "[edge][client][predict]") {
  ClientBench bench({some_net(), 65536, 32768, 0});
  bench.connect();
  bench.give(bench.task());
  bench.give_model();
  int steps = 0;
  for (; bench.client->has_work(); ++steps) {
    const Answer answer = ask(bench);
    REQUIRE(answer.status == Status::kUnavailable);
    REQUIRE(is_untouched(answer));
    REQUIRE(bench.client->weights() == Weights::kNone);
    bench.client->work(bench.now);
  }
  CHECK(steps > 20);
  CHECK(ask(bench).status == Status::kOk);
}

TEST_CASE("predict: after an adaptation its weights answer, as on a host, bit for bit", "[edge][client][predict]") {
  ClientBench bench({some_net(), 65536, 32768, 0});
  wire::Task task = GENERATE(true, false) ? bench.task() : bench.evaluation();
  task.batch_size = GENERATE(1U, 4U);
  bench.connect();
  bench.give(task);
  bench.give_model();
  bench.work();
  const Floats weights = adapted(bench, task);
  CHECK_FALSE(same_bits(weights, bench.model.parameters));
  check_prediction(bench, weights, Weights::kAdapted);  // uploading
  (void)bench.pump();
  check_prediction(bench, weights, Weights::kAdapted);  // waiting
  bench.reply(task, Verdict::kAccepted);
  check_prediction(bench, weights, Weights::kAdapted);  // finished
  bench.client->on_disconnected();
  check_prediction(bench, weights, Weights::kAdapted);
}

TEST_CASE("predict: after a restart the model of the slot answers as it was received", "[edge][client][predict]") {
  ClientBench bench({some_net(), 65536, 32768, 0});
  (void)bench.run_task(bench.task());
  bench.restart();
  CHECK(ask(bench).status == Status::kUnavailable);
  REQUIRE(bench.client->restore_model(static_cast<std::uint32_t>(bench.model.file.size())) == Status::kOk);
  bench.slot.readable = false;
  CHECK(ask(bench).status == Status::kUnavailable);
  bench.slot.readable = true;
  check_prediction(bench, bench.model.parameters, Weights::kReceived);
  bench.slot.readable = false;  // read once
  check_prediction(bench, bench.model.parameters, Weights::kReceived);
}

TEST_CASE("predict: a divergence leaves no weights, so the received ones answer", "[edge][client][predict]") {
  ClientBench bench;
  wire::Task task = bench.task();
  task.inner_learning_rate = 1e30F;
  (void)bench.run_task(task);
  REQUIRE(bench.client->counters().diverged == 1);
  check_prediction(bench, bench.model.parameters, Weights::kReceived);
}

TEST_CASE("predict: a task that is refused before it begins takes no weights away", "[edge][client][predict]") {
  ClientBench bench;
  (void)bench.run_task(bench.task(0));
  const Floats weights = adapted(bench, bench.task(0));
  wire::Task task = bench.task(1);
  if (GENERATE(true, false)) {
    bench.samples.begin_status = Status::kUnavailable;
  } else {
    task.passes = 100000;
  }
  bench.give(task);
  REQUIRE(bench.refusal(bench.pump()).outcome == wire::Outcome::kRefused);
  bench.samples.requests.clear();
  check_prediction(bench, weights, Weights::kAdapted);
}

TEST_CASE("predict: a task whose samples fail leaves the received weights", "[edge][client][predict]") {
  ClientBench bench;
  (void)bench.run_task(bench.task(0));
  bench.samples.input_status = Status::kUnavailable;
  (void)bench.run_task(bench.task(1));
  check_prediction(bench, bench.model.parameters, Weights::kReceived);
}

TEST_CASE("predict: a download leaves the old weights in use, and a damaged one leaves none",
          "[edge][client][predict]") {
  ClientBench bench;
  const Floats old_weights = adapted(bench, bench.task(0));
  (void)bench.run_task(bench.task(0));
  const FakeModel old_model = bench.model;
  bench.model = FakeModel(sine_net(), 2);
  const wire::Task task = bench.task(1);
  bench.give(task);
  REQUIRE(bench.client->state() == ClientState::kDownloading);
  if (bench.model_chunks() > 1) REQUIRE(bench.give_chunk(0));
  check_prediction(bench, old_weights, Weights::kAdapted);  // both models have the same scale and shape
  const bool damaged = GENERATE(false, true);
  if (damaged) bench.model.file[bench.model.file.size() - 40] ^= 1;
  for (std::uint32_t chunk = 0; chunk < bench.model_chunks(); ++chunk) (void)bench.give_chunk(chunk);
  bench.work();
  if (damaged) {
    CHECK(ask(bench).status == Status::kUnavailable);
    CHECK(bench.client->weights() == Weights::kNone);
  } else {
    check_prediction(bench, adapted(bench, task), Weights::kAdapted);
  }
}

TEST_CASE("predict: sizes are the model's, and memory is what parameters and one sample take",
          "[edge][client][predict]") {
  const nn::Network network = build(conv_net());
  const std::size_t needed = (network.parameter_count() + network.sample_count()) * sizeof(float);
  const bool fits = GENERATE(true, false);
  ClientBench bench({conv_net(), fits ? needed : needed - 4, 32768, 0});
  bench.slot.bytes = bench.model.file;
  bench.restart();
  REQUIRE(bench.client->restore_model(static_cast<std::uint32_t>(bench.model.file.size())) == Status::kOk);
  const Answer answer = ask(bench);
  CHECK(answer.status == (fits ? Status::kOk : Status::kBufferTooSmall));
  if (!fits) {
    CHECK(is_untouched(answer));
    return;
  }
  Floats stored(network.input_size() + 1);
  Floats outputs(network.output_size() + 1);
  const Span<float> out(outputs.data(), outputs.size());
  CHECK(bench.client->predict({stored.data(), stored.size()}, out.first(network.output_size())) ==
        Status::kShapeMismatch);
  CHECK(bench.client->predict({stored.data(), network.input_size()}, out) == Status::kShapeMismatch);
}
