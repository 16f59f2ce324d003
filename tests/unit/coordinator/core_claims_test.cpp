/// @file
/// The coordinator's core: what a device says of itself is bounded by what it was asked for.

#include "unit/coordinator/core_bench.hpp"

using namespace skink;
using Bench = test::CoreBench;

namespace {

const std::vector<Override> kFedAvg{{"meta.strategy", "\"fedavg\""}};

coordinator::RunSnapshot snapshot_of(const Bench& bench) {
  coordinator::RunSnapshot snapshot;
  snapshot.run = test::kRun;
  snapshot.roster = bench.core.roster();
  snapshot.transcript = bench.events;
  return snapshot;
}

/// An experiment with two evaluation tasks of ten query samples each, which one held-out device computes.
std::string evaluator_of(Bench& bench) {
  REQUIRE(bench.core.phase() == coordinator::Phase::kEvaluating);
  REQUIRE(bench.tasks.size() == 1);
  return bench.first();
}
const std::vector<Override> kEvaluates{
    {"evaluation.tasks", "2"}, {"evaluation.query_size", "10"}, {"fleet.held_out", "1"}};

wire::Update report_of(const Bench& bench, const std::string& id) {
  wire::Update update = bench.update_for(id);
  update.outcome = wire::Outcome::kEvaluated;
  update.total_bytes = 0;
  update.evaluation.tasks = 2;
  update.evaluation.query_samples = 20;
  update.evaluation.correct_before = 20;
  update.evaluation.loss_after = std::uint64_t{20} << 40;
  update.evaluation.diverged_tasks = 2;
  return update;
}

}  // namespace

TEST_CASE("core: a device that claims samples it was not asked for is refused, and owns no mean",
          "[coordinator][core]") {
  Bench bench(kFedAvg);
  const std::string first = bench.first();
  const std::string second = bench.second();
  const std::vector<float> before = bench.core.model().parameters();
  wire::Update update = bench.update_for(first);
  update.support_samples = GENERATE(0U, 5U, (1U << 20) - 2, ~0U);
  bench.send(first, update, {100.0F, 0.0F});
  CHECK(bench.last_reason() == wire::Refusal::kMalformed);
  bench.send(second, bench.update_for(second), {1.0F, 0.0F});
  CHECK(bench.last_verdict() == wire::Verdict::kAccepted);
  const std::string third = bench.tasks.begin()->first == first ? std::next(bench.tasks.begin())->first : bench.first();
  for (const auto& [id, task] : std::map(bench.tasks)) {
    if (id != first && id != second && bench.core.rounds_done() == 0) bench.answer(id);
  }
  REQUIRE(bench.core.rounds_done() == 1);
  CHECK(bench.core.model().parameters()[0] == before[0] + 1.0F);
  CHECK(bench.rounds[0].total_weight == 8);
}

TEST_CASE("core: a device with fewer samples weighs less, and a replay knows it", "[coordinator][core]") {
  Bench bench(kFedAvg);
  const std::string first = bench.first();
  const std::string second = bench.second();
  const std::vector<float> before = bench.core.model().parameters();
  wire::Update update = bench.update_for(first);
  update.support_samples = 1;
  bench.send(first, update, {10.0F, 0.0F});
  bench.send(second, bench.update_for(second), {0.0F, 0.0F});
  REQUIRE(bench.core.rounds_done() == 1);
  CHECK(bench.core.model().parameters()[0] == before[0] + 2.0F);
  REQUIRE(bench.events.size() == 1);
  CHECK(bench.events[0].kind == coordinator::EventKind::kSamples);
  CHECK(bench.events[0].support_samples == 1);

  const coordinator::RunSnapshot snapshot = snapshot_of(bench);
  Bench replay(kFedAvg, &snapshot);
  replay.send(first, replay.update_for(first), {10.0F, 0.0F});  // a simulated device has them all
  replay.send(second, replay.update_for(second), {0.0F, 0.0F});
  REQUIRE(replay.core.rounds_done() == 1);
  CHECK(replay.core.model().digest() == bench.core.model().digest());
}

TEST_CASE("core: no weighted change is longer than clip_norm times the weight of a task", "[coordinator][core]") {
  std::vector<Override> clipped = kFedAvg;
  clipped.push_back({"meta.clip_norm", "1.0"});
  Bench bench(clipped);
  const std::string first = bench.first();
  const std::string second = bench.second();
  const std::vector<float> before = bench.core.model().parameters();
  wire::Update update = bench.update_for(first);
  update.support_samples = GENERATE(1U, 4U);
  bench.send(first, update, {60.0F, 80.0F});
  bench.send(second, bench.update_for(second), {0.0F, 0.0F});
  REQUIRE(bench.core.rounds_done() == 1);
  const double total = update.support_samples + 4.0;
  const double x = (static_cast<double>(bench.core.model().parameters()[0]) - static_cast<double>(before[0])) * total;
  const double y = (static_cast<double>(bench.core.model().parameters()[1]) - static_cast<double>(before[1])) * total;
  CHECK(std::sqrt(x * x + y * y) == Approx(update.support_samples).epsilon(1e-4));
}

TEST_CASE("core: an evaluation report that its task cannot give is refused", "[coordinator][core]") {
  Bench bench(kEvaluates);
  const std::string id = evaluator_of(bench);
  wire::Update update = report_of(bench, id);
  wire::Evaluation& report = update.evaluation;
  const int lie = GENERATE(range(0, 8));
  if (lie == 0) report.tasks = 3;
  if (lie == 1) report.query_samples = 21;
  if (lie == 2) report.query_samples = (std::uint64_t{1} << 32) + 20;
  if (lie == 3) report.correct_before = 21;
  if (lie == 4) report.correct_after = 21;
  if (lie == 5) report.diverged_tasks = 3;
  if (lie == 6) report.loss_before = (std::uint64_t{20} << 40) + 1;
  if (lie == 7) report.loss_after = (std::uint64_t{20} << 40) + 1;
  bench.send(id, update, {});
  CHECK(bench.last_verdict() == wire::Verdict::kRefused);
  CHECK(bench.last_reason() == wire::Refusal::kMalformed);
  REQUIRE(bench.core.evaluations().size() == 1);
  CHECK(bench.core.evaluations()[0].devices == 0);
  CHECK(bench.core.evaluations()[0].total.query_samples == 0);
  CHECK_FALSE(bench.core.evaluations()[0].loss_before());
  bench.send(id, update, {});  // asked again: the same
  CHECK(bench.last_verdict() == wire::Verdict::kRefused);
}

TEST_CASE("core: the worst evaluation report that its task can give is taken", "[coordinator][core]") {
  Bench bench(kEvaluates);
  const std::string id = evaluator_of(bench);
  bench.send(id, report_of(bench, id), {});
  CHECK(bench.last_verdict() == wire::Verdict::kAccepted);
  REQUIRE(bench.core.evaluations().size() == 1);
  CHECK(bench.core.evaluations()[0].total.query_samples == 20);
  CHECK_FALSE(bench.core.evaluations()[0].loss_after());  // both tasks diverged
  CHECK(bench.core.evaluations()[0].loss_before() == 0.0);
  const rounds::EvaluationFigures& figures = bench.core.evaluations()[0].figures;
  CHECK(figures.unit == rounds::Unit::kDevice);
  CHECK(figures.units == 1);
  CHECK(figures.loss.before.mean == 0.0);
  CHECK(std::isnan(figures.loss.after.mean));
  REQUIRE(bench.core.evaluations()[0].reports.size() == 1);
  CHECK(bench.core.roster()[bench.core.evaluations()[0].reports[0].device_index] == id);
}

TEST_CASE("core: a change that was refused is refused again", "[coordinator][core]") {
  Bench bench;
  const std::string first = bench.first();
  const float bad = GENERATE(std::numeric_limits<float>::quiet_NaN(), 1e6F);
  const auto message = bench.encode(first, bench.update_for(first), {bad, 0.0F});
  bench.send(first, message);
  const wire::Refusal reason = bench.last_reason();
  CHECK((reason == wire::Refusal::kNotFinite || reason == wire::Refusal::kTooLarge));
  bench.send(first, message);
  REQUIRE(bench.replies.size() == 2);
  CHECK(bench.last_verdict() == wire::Verdict::kRefused);
  CHECK(bench.last_reason() == reason);
}

TEST_CASE("core: chunks behind a gap are answered with one RESEND", "[coordinator][core]") {
  Bench bench;
  const std::string first = bench.first();
  wire::Update update = bench.update_for(first);
  update.chunk_count = 8;
  const auto send = [&](std::uint32_t chunk) {
    update.chunk = chunk;
    update.offset = chunk;
    bench.send(first, bench.encode_bytes(first, update, {0}));
  };
  for (std::uint32_t chunk = 0; chunk < 8; ++chunk) {
    if (chunk != 2) send(chunk);
  }
  REQUIRE(bench.replies.size() == 1);
  CHECK(bench.last_verdict() == wire::Verdict::kResend);
  CHECK(bench.replies.back().second.chunk == 2);
  send(7);  // the answer was lost: its client asks with the last chunk
  REQUIRE(bench.replies.size() == 2);
  CHECK(bench.last_verdict() == wire::Verdict::kResend);
  send(2);
  send(4);  // the third is lost now
  send(5);
  REQUIRE(bench.replies.size() == 3);
  CHECK(bench.replies.back().second.chunk == 3);
  for (std::uint32_t chunk = 3; chunk < 8; ++chunk) send(chunk);
  REQUIRE(bench.replies.size() == 4);
  CHECK(bench.last_verdict() == wire::Verdict::kAccepted);
}

TEST_CASE("core: the chunks of an update that was taken, or is late, are not answered one by one",
          "[coordinator][core]") {
  Bench bench;
  const std::string first = bench.first();
  const bool is_late = GENERATE(false, true);
  wire::Update update = bench.update_for(first);
  if (is_late) update.id.attempt = 7;
  update.chunk_count = 8;
  const auto send_all = [&] {
    bench.replies.clear();
    for (update.chunk = 0; update.chunk < 8; ++update.chunk) {
      update.offset = update.chunk;
      bench.send(first, bench.encode_bytes(first, update, {0}));
    }
  };
  send_all();
  CHECK(bench.replies.size() == (is_late ? 2 : 1));  // at the first chunk and at the last, or at the last
  send_all();
  REQUIRE(bench.replies.size() == 1);
  CHECK(bench.last_reason() == (is_late ? wire::Refusal::kLate : wire::Refusal::kDuplicate));
}

TEST_CASE("core: a message with a right code that is no update is refused, and its device replaced",
          "[coordinator][core]") {
  Bench bench;
  const std::string first = bench.first();
  const auto bytes = GENERATE(std::vector<std::uint8_t>{0xff, 0xff, 0xff}, std::vector<std::uint8_t>{},
                              std::vector<std::uint8_t>{0x20, 0x02});  // nothing at all; an evaluation without sums
  bench.send(first, bench.seal(first, bytes));
  CHECK(bench.refused(wire::Refusal::kMalformed) == 1);
  REQUIRE(bench.replies.size() == 1);
  CHECK(bench.last_verdict() == wire::Verdict::kRefused);
  CHECK(bench.last_reason() == wire::Refusal::kMalformed);
  REQUIRE(bench.events.size() == 1);
  CHECK(bench.events[0].kind == coordinator::EventKind::kReplaced);
}

TEST_CASE("core: a reason of a newer device counts as an unknown one", "[coordinator][core]") {
  Bench bench;
  const std::string first = bench.first();
  const wire::Task& task = bench.tasks.at(first);
  std::vector<std::uint8_t> bytes{0x09};  // run, fixed64
  for (int i = 0; i < 8; ++i) bytes.push_back(static_cast<std::uint8_t>(task.run >> (8 * i)));
  bytes.insert(bytes.end(), {0x20, 0x04, 0x60, 0x63});  // refused, for reason 99
  bench.send(first, bench.seal(first, bytes));
  CHECK(bench.refused(wire::Refusal::kOther) == 1);
  CHECK(bench.last_verdict() == wire::Verdict::kAccepted);
  REQUIRE(bench.events.size() == 1);
  CHECK(bench.events[0].reason == wire::Refusal::kOther);
}
