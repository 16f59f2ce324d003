#include "skink/coordinator/results/verdict.hpp"

#include <catch2/catch.hpp>

using namespace skink;
using coordinator::Summary;
using coordinator::Verdict;
using coordinator::verdict_of;

namespace {

Experiment experiment_of(float rate) {
  Experiment experiment;
  experiment.meta.inner_learning_rate = rate;
  experiment.evaluation.inner_learning_rate = 0.25F;
  return experiment;
}

Summary summary_of(const rounds::UpdateCounts& updates) {
  Summary summary;
  summary.rounds = 10;
  summary.updates = updates;
  return summary;
}

bool says(const Verdict& verdict, const std::string& text) { return verdict.text.find(text) != std::string::npos; }

const InputRange kUsual{-1, 1, 0, 0.5};
const InputRange kLarge{-32768, 32767, 12.5, 8000};

}  // namespace

TEST_CASE("verdict: a run in which everything counted has nothing to say", "[coordinator][results]") {
  const Verdict verdict = verdict_of(summary_of({80, 0, 0}), experiment_of(0.01F), {kUsual});
  CHECK(verdict.has_learned);
  CHECK(verdict.text.empty());
  const Verdict large = verdict_of(summary_of({80, 0, 0}), experiment_of(0.01F), {kLarge});
  CHECK(large.has_learned);
  CHECK(says(large, "values from -32,768 to 32,767: set [model] input_scale = "));
  const InputRange pressure{99000, 103000, 101325, 500};
  CHECK(says(verdict_of(summary_of({80, 0, 0}), experiment_of(0.01F), {kUsual, pressure}),
             "to give values from 99,000 to 103,000: set [task] target_scale = 0.002 and target_offset = -202.65"));
  CHECK(verdict_of(Summary(), experiment_of(0.01F), {}).has_learned);  // no round yet
}

TEST_CASE("verdict: large inputs are the cause where there are any, and the scale is computed",
          "[coordinator][results]") {
  const Verdict verdict = verdict_of(summary_of({0, 80, 0}), experiment_of(100.0F), {kLarge});
  CHECK_FALSE(verdict.has_learned);
  CHECK(says(verdict, "all 80 updates diverged"));
  CHECK(says(verdict, "values from -32,768 to 32,767"));
  CHECK(says(verdict, "input_scale = 0.000125 and input_offset = -0.00156"));
}

TEST_CASE("verdict: a mean of about 0 is 0", "[coordinator][results]") {
  const Verdict verdict =
      verdict_of(summary_of({0, 80, 0}), experiment_of(100.0F), {InputRange{-5000, 5000, 6e-17, 2.89}});
  CHECK(says(verdict, "input_scale = 0.346 and input_offset = 0,"));
}

TEST_CASE("verdict: else it is the learning rate", "[coordinator][results]") {
  const Verdict diverged = verdict_of(summary_of({0, 80, 0}), experiment_of(100.0F), {kUsual});
  CHECK(says(diverged, "[meta] inner_learning_rate = 100 is too large"));
  CHECK(says(diverged, "try 0.01"));
  const Verdict refused = verdict_of(summary_of({0, 0, 1}), experiment_of(0.02F), {kUsual});
  CHECK_FALSE(refused.has_learned);
  CHECK(says(refused, "the only update was too large"));
  CHECK(says(refused, "try 0.002"));
  CHECK(says(verdict_of(summary_of({0, 3, 4}), experiment_of(1.0F), {kUsual}), "3 diverged, 4 were too large"));
}

TEST_CASE("verdict: a coordinator does not know the data, and says both", "[coordinator][results]") {
  const Verdict verdict = verdict_of(summary_of({0, 80, 0}), experiment_of(100.0F), {});
  CHECK(says(verdict, "inner_learning_rate = 100"));
  CHECK(says(verdict, "input_scale"));
  CHECK(says(verdict_of(summary_of({}), experiment_of(1.0F), {}), "no device gave an update in 10 rounds"));
}

TEST_CASE("verdict: an evaluation that diverged in every task is of no use", "[coordinator][results]") {
  Summary summary = summary_of({80, 0, 0});
  summary.evaluated = true;
  summary.last_evaluation.total = {5, 50, 0, 0, 0, 0, 5};
  const Verdict verdict = verdict_of(summary, experiment_of(0.01F), {kUsual});
  CHECK_FALSE(verdict.has_learned);
  CHECK(says(verdict, "all 5 evaluation tasks diverged"));
  CHECK(says(verdict, "[evaluation] inner_learning_rate = 0.25"));
}

TEST_CASE("verdict: what did not count is said, and the run has learned", "[coordinator][results]") {
  Summary summary = summary_of({70, 8, 2});
  summary.evaluated = true;
  summary.last_evaluation.total = {5, 50, 0, 0, 0, 0, 2};
  const Verdict verdict = verdict_of(summary, experiment_of(0.01F), {});
  CHECK(verdict.has_learned);
  CHECK(says(verdict, "8 of 80 updates diverged"));
  CHECK(says(verdict, "2 of 80 updates were too large"));
  CHECK(says(verdict, "2 of 5 evaluation tasks diverged"));
  CHECK(says(verdict, "[meta] inner_learning_rate = "));
  CHECK_FALSE(says(verdict, "share readings"));
  CHECK(says(verdict_of(summary, experiment_of(0.01F), {kLarge}), "set [model] input_scale = "));
  summary.shared_readings = 3;
  CHECK(says(verdict_of(summary, experiment_of(0.01F), {}), "share readings"));
  CHECK(says(verdict_of(summary, experiment_of(0.01F), {}), "gap = 3"));
  summary.last_evaluation = {};
  summary.last_evaluation.rounds = 10;
  CHECK(says(verdict_of(summary, experiment_of(0.01F), {}), "nobody answered the evaluation after 10 rounds"));
}

TEST_CASE("summary: what was not measured is null, and is said in words", "[coordinator][results]") {
  Summary summary = summary_of({70, 8, 2});
  summary.evaluated = true;
  summary.classifies = true;
  summary.last_evaluation.rounds = 10;
  const std::string json = to_json(summary);
  for (const char* field : {"query_loss_before", "query_loss_after", "query_accuracy_before", "query_accuracy_after",
                            "dataset", "dataset_sha256"}) {
    CHECK(json.find(std::string("\"") + field + "\":null") != std::string::npos);
  }
  CHECK(json.find("\"updates_taken\":70,\"updates_diverged\":8,\"updates_refused\":2") != std::string::npos);
  CHECK(to_table(summary).find("nobody answered the evaluation after 10 rounds") != std::string::npos);
  CHECK(to_table(summary).find("accuracy") == std::string::npos);
  summary.last_evaluation.total = {5, 50, 10, 20, std::uint64_t{50} << 20, std::uint64_t{20} << 40, 2};
  CHECK(to_table(summary).find("(2 of 5 tasks diverged and are not in it)") != std::string::npos);
  summary.classifies = false;  // a regression
  CHECK(to_json(summary).find("\"query_accuracy_after\":null") != std::string::npos);
}

TEST_CASE("verdict: a strategy that asks nobody needs no updates", "[coordinator][results]") {
  Experiment none = experiment_of(0.01F);
  none.meta.strategy = StrategyKind::kNone;
  CHECK(verdict_of(summary_of({0, 0, 0}), none, {}).has_learned);
  CHECK_FALSE(verdict_of(summary_of({0, 0, 0}), experiment_of(0.01F), {}).has_learned);
}
