#include "skink/coordinator/results/figures.hpp"
#include "skink/rounds/evaluation_figures.hpp"

#include <catch2/catch.hpp>
#include <cmath>
#include <filesystem>

#include "fakes/scratch_folder.hpp"
#include "skink/coordinator/results/results.hpp"

using namespace skink;
using rounds::ScoredSample;
using rounds::TaskResult;

namespace {

TaskResult task(std::uint32_t number, std::uint32_t client, std::uint32_t samples, std::uint64_t before,
                std::uint64_t after) {
  TaskResult result;
  result.number = number;
  result.client = client;
  result.query_samples = samples;
  result.before.correct = before;
  result.after.correct = after;
  result.before.loss = std::uint64_t{samples} << 20;
  result.after.loss = std::uint64_t{samples} << 19;
  return result;
}

Experiment classifier() {
  Experiment experiment;
  experiment.model.loss = nn::Loss::kSoftmaxCrossEntropy;
  return experiment;
}

}  // namespace

TEST_CASE("figures: the interval is Student's", "[coordinator][figures]") {
  const rounds::Spread five = rounds::spread_of({1, 2, 3, 4, 5});
  CHECK(five.mean == 3.0);
  CHECK(five.half_width == Approx(2.776445 * std::sqrt(2.5 / 5)).epsilon(1e-6));
  const rounds::Spread two = rounds::spread_of({-1, rounds::kNotMeasured, 1});
  CHECK(two.mean == 0.0);
  CHECK(two.half_width == Approx(12.706205).epsilon(1e-6));
  CHECK(std::isnan(rounds::spread_of({4}).half_width));
  CHECK(std::isnan(rounds::spread_of({}).mean));
}

TEST_CASE("figures: a client weighs as much as any other, however many samples it has", "[coordinator][figures]") {
  rounds::TaskResults results;
  results.tasks = {task(0, 0, 10, 5, 10), task(1, 1, 100, 10, 90), task(2, 0, 10, 0, 10)};
  const auto by_client = rounds::figures_of(results, classifier(), rounds::Unit::kClient);
  CHECK(by_client.units == 2);
  CHECK(by_client.accuracy.before.mean == Approx((0.25 + 0.1) / 2));
  CHECK(by_client.accuracy.after.mean == Approx((1.0 + 0.9) / 2));
  CHECK(by_client.accuracy.after.half_width == Approx(12.706 * 0.0707107 / std::sqrt(2.0)).epsilon(1e-3));
  CHECK(by_client.loss.before.mean == Approx(1.0));
  CHECK(by_client.loss.after.mean == Approx(0.5));
  CHECK(std::isnan(by_client.auc.before.mean));
  CHECK(std::isnan(by_client.mean_absolute_error.before.mean));
  const auto by_task = rounds::figures_of(results, classifier(), rounds::Unit::kTask);
  CHECK(by_task.units == 3);
  CHECK(by_task.accuracy.before.mean == Approx((0.5 + 0.1 + 0.0) / 3));
}

TEST_CASE("figures: tasks that diverged stand apart", "[coordinator][figures]") {
  rounds::TaskResults results;
  results.tasks = {task(0, 0, 10, 5, 10), task(1, 1, 30, 15, 0)};
  results.tasks[1].diverged = true;
  const auto figures = rounds::figures_of(results, classifier(), rounds::Unit::kClient);
  CHECK(figures.diverged_samples == 30);
  CHECK(figures.accuracy.before.mean == Approx(0.5));
  CHECK(figures.accuracy.after.mean == Approx(1.0));
  CHECK(std::isnan(figures.accuracy.after.half_width));
}

TEST_CASE("figures: errors of a regression are in the unit of the targets", "[coordinator][figures]") {
  Experiment experiment;
  experiment.task.target_scale = 0.5F;
  rounds::TaskResults results;
  results.tasks = {task(0, 0, 4, 0, 0)};
  results.tasks[0].before.squared_error = 4 * 0.25;
  results.tasks[0].before.absolute_error = 4 * 0.5;
  const auto figures = rounds::figures_of(results, experiment, rounds::Unit::kClient);
  CHECK(figures.root_mean_square_error.before.mean == Approx(1.0));
  CHECK(figures.mean_absolute_error.before.mean == Approx(1.0));
  CHECK(std::isnan(figures.accuracy.before.mean));
}

TEST_CASE("figures: devices.csv names clients and leaves out what was not measured", "[coordinator][figures]") {
  rounds::TaskResults results;
  results.tasks = {task(0, 1, 10, 5, 10), task(1, 0, 10, 1, 0)};
  results.tasks[1].diverged = true;
  const coordinator::Clients clients{{"Ann, of 3", "Bob"}, {7, 9}};
  const std::string csv = coordinator::devices_csv(results, classifier(), clients);
  CHECK(csv.substr(csv.find('\n') + 1) ==
        "0,7,Bob,0,10,0,1,0.5,,,,,,0.5,1,,,,,,\n"
        "1,9,\"Ann, of 3\",0,10,1,1,0.1,,,,,,,,,,,,,\n");
}

TEST_CASE("figures: a fleet's are over its devices, of what their sums tell", "[coordinator][figures]") {
  const std::uint64_t lost = std::uint64_t{5} << 40;  // a task of five samples
  const std::vector<rounds::DeviceReport> reports{
      {1, {2, 10, 5, 10, std::uint64_t{10} << 20, std::uint64_t{10} << 19, 0}},
      {2, {2, 10, 1, 4, std::uint64_t{10} << 20, lost + (std::uint64_t{5} << 19), 1}},    // one of two diverged
      {4, {2, 10, 3, 10, std::uint64_t{10} << 20, lost + (std::uint64_t{5} << 19), 1}}};  // more right than samples
  const auto figures = rounds::figures_of(reports, classifier());
  CHECK(figures.unit == rounds::Unit::kDevice);
  CHECK(figures.units == 3);
  CHECK(figures.diverged_samples == 10);
  CHECK(figures.accuracy.before.mean == Approx(0.3));
  CHECK(figures.accuracy.after.mean == Approx((1.0 + 0.8) / 2));
  CHECK(figures.loss.after.mean == Approx(0.5));
  CHECK(std::isnan(figures.mean_absolute_error.before.mean));
  CHECK(std::isnan(figures.macro_f1.before.mean));
  const std::vector<std::string> roster{"a", "b", "c", "d", "e"};
  const std::string csv = coordinator::devices_csv(reports, classifier(), roster);
  CHECK(csv.substr(csv.find('\n') + 1) ==
        ",1,b,,10,0,1,0.5,,,,,,0.5,1,,,,,,\n"
        ",2,c,,10,1,1,0.1,,,,,,0.5,0.8,,,,,,\n"
        ",4,e,,10,1,1,0.3,,,,,,,,,,,,,\n");
}

TEST_CASE("results: devices.csv is of the last evaluation, or is not there", "[coordinator][results]") {
  const test::ScratchFolder folder;
  const Experiment experiment = classifier();
  std::vector<rounds::EvaluationRecord> evaluations(1);
  evaluations[0].reports = {{0, {1, 10, 5, 10, 0, 0, 0}}};
  evaluations[0].figures = rounds::figures_of(evaluations[0].reports, experiment);
  const std::vector<std::uint8_t> model{1, 2};
  const std::vector<std::string> roster{"a"};
  const coordinator::RunState state{experiment, 1, 1, 1, 0, {}, evaluations, model, {}, 1, roster};
  const rounds::RoundHistory rounds(experiment.meta);
  const auto write = [&] {
    const auto summary = coordinator::summarize(state, rounds, "fleet", 1);
    REQUIRE(coordinator::write_results(folder.path(), state, summary, rounds).has_value());
  };
  write();
  CHECK(std::filesystem::exists(folder.file("devices.csv")));
  evaluations.push_back({});  // which nobody answered
  write();
  CHECK_FALSE(std::filesystem::exists(folder.file("devices.csv")));
}

TEST_CASE("figures: how many samples diverged tasks had may not be known", "[coordinator][figures]") {
  const std::vector<rounds::DeviceReport> reports{{0, {3, 10, 5, 5, 0, std::uint64_t{3} << 40, 1}}};
  const auto figures = rounds::figures_of(reports, Experiment());  // a regression
  CHECK_FALSE(figures.diverged_samples);
  CHECK(figures.root_mean_square_error.before.mean == 0.0);
  CHECK(std::isnan(figures.root_mean_square_error.after.mean));
  CHECK(std::isnan(figures.mean_absolute_error.before.mean));
  CHECK(std::isnan(figures.skill.before.mean));

  const std::vector<rounds::DeviceReport> cut{{0, {1, 10, 0, 0, std::uint64_t{1} << 40, std::uint64_t{10} << 20, 0}}};
  CHECK(std::isnan(rounds::figures_of(cut, Experiment()).root_mean_square_error.before.mean));  // of a sample, maybe
  CHECK(rounds::figures_of(cut, Experiment()).root_mean_square_error.after.mean == 1.0);
}

TEST_CASE("figures: skill is what is saved of the mean square error of persistence", "[coordinator][figures]") {
  Experiment experiment;
  experiment.task.target_scale = 0.5F;
  experiment.task.persistence = {0};
  rounds::TaskResults results;
  results.tasks = {task(0, 0, 4, 0, 0), task(1, 1, 4, 0, 0), task(2, 1, 4, 0, 0)};
  for (rounds::TaskResult& one : results.tasks) {
    one.before.squared_error = 4 * 0.5;
    one.after.squared_error = 4 * 0.125;
    one.persistence.squared_error = 4 * 0.25;
  }
  results.tasks[2].diverged = true;
  const auto figures = rounds::figures_of(results, experiment, rounds::Unit::kClient);
  CHECK(figures.persistence.mean == Approx(1.0));
  CHECK(figures.skill.before.mean == Approx(-1.0));
  CHECK(figures.skill.after.mean == Approx(0.5));  // of tasks that did not diverge, both of them
  const std::string csv = coordinator::devices_csv(results, experiment, {});
  CHECK(csv.find(",-1,") != std::string::npos);
  CHECK(csv.substr(csv.find('\n') + 1).find(",0.5,1\n") != std::string::npos);

  for (rounds::TaskResult& one : results.tasks) one.persistence.squared_error = 0;
  CHECK(std::isnan(
      rounds::figures_of(results, experiment, rounds::Unit::kClient).skill.after.mean));  // nothing to be better than
}

TEST_CASE("figures: macro-F1 and the area under the curve", "[rounds][figures]") {
  rounds::Confusion confusion(3);
  for (int i = 0; i < 8; ++i) confusion.add(0, 0);
  for (int i = 0; i < 2; ++i) confusion.add(0, 1);
  for (int i = 0; i < 5; ++i) confusion.add(1, 1);
  CHECK(rounds::macro_f1(confusion) == Approx((16.0 / 18 + 10.0 / 12) / 2));  // class 2 never occurs
  CHECK(std::isnan(rounds::macro_f1(rounds::Confusion(2))));

  std::vector<ScoredSample> perfect{{1, false}, {2, false}, {3, true}, {4, true}};
  CHECK(rounds::area_under_roc(perfect, 1.0) == 1.0);
  CHECK(rounds::area_under_roc(perfect, 0.1) == 1.0);
  std::vector<ScoredSample> ties{{1, false}, {1, true}};
  CHECK(rounds::area_under_roc(ties, 1.0) == 0.5);
  std::vector<ScoredSample> mixed{{4, false}, {3, true}, {2, true}, {1, false}};
  CHECK(rounds::area_under_roc(mixed, 1.0) == 0.5);
  CHECK(rounds::area_under_roc(mixed, 0.5) == 0.0);  // the first alarm is false
  const float none = std::numeric_limits<float>::quiet_NaN();
  const float all = std::numeric_limits<float>::infinity();
  std::vector<ScoredSample> broken{{4, false}, {none, true}, {none, false}, {1, false}};
  CHECK(std::isnan(rounds::area_under_roc(broken, 1.0)));
  std::vector<ScoredSample> boundless{{all, true}, {all, false}, {1, false}};
  CHECK(rounds::area_under_roc(boundless, 1.0) == 0.75);
  std::vector<ScoredSample> alone{{1, false}};
  CHECK(std::isnan(rounds::area_under_roc(alone, 1.0)));
}
