/// @file
/// The coordinator's core: evaluations whose held-out devices do not all answer.

#include "unit/coordinator/core_bench.hpp"

using namespace skink;
using Bench = test::CoreBench;

namespace {

/// Four devices, three of them held out, which have two tasks of ten query samples each.
std::vector<Override> evaluates(const std::string& fresh = "\"round\"") {
  return {{"evaluation.tasks", "6"}, {"evaluation.query_size", "10"},
          {"fleet.held_out", "3"},   {"fleet.offline_ms", "500"},
          {"meta.cohort", "1"},      {"task.fresh", fresh}};
}

/// The report that a device's last task asks for.
void report(Bench& bench, const std::string& id) {
  wire::Update update = bench.update_for(id);
  update.outcome = wire::Outcome::kEvaluated;
  update.total_bytes = 0;
  update.evaluation.tasks = bench.tasks.at(id).task_count;
  update.evaluation.query_samples = 10 * update.evaluation.tasks;
  update.evaluation.loss_before = std::uint64_t{20} << 40U;
  update.evaluation.loss_after = std::uint64_t{10} << 40U;
  bench.send(id, update, {});
}

void refuse(Bench& bench, const std::string& id, wire::Refusal reason) {
  wire::Update update = bench.update_for(id);
  update.outcome = wire::Outcome::kRefused;
  update.refusal = reason;
  update.total_bytes = 0;
  bench.send(id, update, {});
}

std::vector<std::string> asked(const Bench& bench) {
  std::vector<std::string> ids;
  for (const auto& [id, task] : bench.tasks) ids.push_back(id);
  return ids;
}

bool is_evaluating(const Bench& bench) { return bench.core.phase() == coordinator::Phase::kEvaluating; }

}  // namespace

TEST_CASE("core: what a held-out device has not computed, another computes", "[coordinator][core][evaluation]") {
  Bench bench(evaluates());
  REQUIRE(is_evaluating(bench));
  const auto ids = asked(bench);
  REQUIRE(ids.size() == 3);
  const wire::Task lost = bench.tasks.at(ids[0]);
  report(bench, ids[1]);
  bench.birth(ids[0], false);
  bench.tick(bench.now + 600);
  const wire::Task& given = bench.tasks.at(ids[1]);
  CHECK(given.first_task == lost.first_task);
  CHECK(given.task_step == lost.task_step);
  CHECK(given.attempt > lost.attempt);
  report(bench, ids[1]);
  CHECK(bench.last_verdict() == wire::Verdict::kAccepted);
  report(bench, ids[2]);
  REQUIRE_FALSE(is_evaluating(bench));
  const rounds::EvaluationRecord& record = bench.core.evaluations().back();
  CHECK(record.total.tasks == 6);
  CHECK(record.devices == 2);
  REQUIRE(record.reports.size() == 2);
  CHECK(record.reports[0].sums.tasks + record.reports[1].sums.tasks == 6);
  REQUIRE(bench.events.size() == 1);
  CHECK(bench.events[0].kind == coordinator::EventKind::kMissing);
  CHECK(bench.events[0].detail == ids[0]);
}

TEST_CASE("core: tasks wait until a held-out device has nothing else to do", "[coordinator][core][evaluation]") {
  Bench bench(evaluates());
  const auto ids = asked(bench);
  refuse(bench, ids[0], wire::Refusal::kNoData);
  refuse(bench, ids[1], wire::Refusal::kNoData);
  REQUIRE(is_evaluating(bench));
  std::set<std::uint32_t> firsts;
  for (int share = 0; share < 3; ++share) {
    REQUIRE(is_evaluating(bench));
    CHECK(bench.tasks.at(ids[2]).attempt == (share == 0 ? 0 : firsts.size()));
    firsts.insert(bench.tasks.at(ids[2]).first_task);
    report(bench, ids[2]);
  }
  REQUIRE_FALSE(is_evaluating(bench));
  CHECK(firsts == std::set<std::uint32_t>{0, 1, 2});
  CHECK(bench.core.evaluations().back().devices == 1);
  CHECK(bench.core.evaluations().back().total.tasks == 6);
}

TEST_CASE("core: an evaluation in which everybody fails ends", "[coordinator][core][evaluation]") {
  Bench bench(evaluates());
  const auto ids = asked(bench);
  report(bench, ids[0]);
  refuse(bench, ids[1], wire::Refusal::kNoData);
  refuse(bench, ids[0], wire::Refusal::kNoData);  // the tasks of ids[1]
  REQUIRE(is_evaluating(bench));
  refuse(bench, ids[2], wire::Refusal::kNoData);
  REQUIRE_FALSE(is_evaluating(bench));
  CHECK(bench.core.evaluations().back().total.tasks == 2);
  CHECK(bench.core.evaluations().back().devices == 1);
  CHECK(bench.events.size() == 3);
}

TEST_CASE("core: tasks that are a device's own are nobody else's", "[coordinator][core][evaluation]") {
  Bench bench(evaluates("\"device\""));
  const auto ids = asked(bench);
  refuse(bench, ids[0], wire::Refusal::kNoData);
  report(bench, ids[1]);
  report(bench, ids[2]);
  REQUIRE_FALSE(is_evaluating(bench));
  CHECK(bench.core.evaluations().back().total.tasks == 4);
}

TEST_CASE("core: a device that has done more in this evaluation than the coordinator knows is asked again",
          "[coordinator][core][evaluation]") {
  Bench bench(evaluates());  // as after a restart, which forgets whose tasks were handed on
  const std::string id = asked(bench)[0];
  const std::uint32_t before = bench.tasks.at(id).attempt;
  bench.challenges.erase(id);
  refuse(bench, id, wire::Refusal::kLowerRound);
  bench.tick(bench.now);
  REQUIRE(bench.challenges.count(id) == 1);
  bench.send_birth(id, bench.challenges.at(id));
  bench.take();
  CHECK(bench.tasks.at(id).attempt > before + 1000);  // above any under which it may have had another's tasks
  report(bench, id);
  CHECK(bench.last_verdict() == wire::Verdict::kAccepted);
}
