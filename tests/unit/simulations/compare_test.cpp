#include "skink/simulations/compare.hpp"

#include <catch2/catch.hpp>
#include <cmath>
#include <filesystem>
#include <fstream>

#include "compare/device_figures.hpp"
#include "compare/paired_test.hpp"
#include "compare/units.hpp"
#include "skink/host/files/files.hpp"
#include "small_sine.hpp"
#include "temporary_folder.hpp"

using namespace skink;
using namespace skink::simulations;

namespace {

/// The signed-rank test by going through all signs.
double brute_force_p(const std::vector<double>& differences) {
  std::vector<double> sizes;
  for (const double difference : differences) {
    if (difference != 0) sizes.push_back(std::fabs(difference));
  }
  const auto rank = [&sizes](double size) {
    double below = 0;
    double equal = 0;
    for (const double other : sizes) {
      below += other < size ? 1 : 0;
      equal += other == size ? 1 : 0;
    }
    return below + (equal + 1) / 2;
  };
  double positive = 0;
  double all = 0;
  for (const double difference : differences) {
    if (difference == 0) continue;
    all += rank(std::fabs(difference));
    if (difference > 0) positive += rank(difference);
  }
  const double extreme = std::min(positive, all - positive);
  std::size_t as_extreme = 0;
  for (std::size_t signs = 0; signs < std::size_t{1} << sizes.size(); ++signs) {
    double sum = 0;
    for (std::size_t i = 0; i < sizes.size(); ++i) sum += (signs >> i & 1U) != 0 ? rank(sizes[i]) : 0;
    as_extreme += sum <= extreme ? 1U : 0U;
  }
  return std::min(1.0, 2 * static_cast<double>(as_extreme) / static_cast<double>(std::size_t{1} << sizes.size()));
}

const std::string kArms = test::kSmallSine + std::string(R"(
[[arm]]
name = "as it is"
[[arm]]
name = "no rounds"
meta.strategy = "none"
[[arm]]
name = "the same, again"
meta.rounds = 20
[[arm]]
name = "longer support"
evaluation.support_size = 9
)");

CompareOptions options_in(const test::TemporaryFolder& folder) {
  REQUIRE(write_file(folder.file("arms.toml"), kArms).has_value());
  CompareOptions options;
  auto arms = read_arms_of({folder.file("arms.toml")}, {});
  REQUIRE(arms.has_value());
  options.sweep.arms = std::move(*arms);
  options.sweep.seeds = {1, 2};
  options.sweep.out_dir = folder.file("out");
  REQUIRE(make_folder(options.sweep.out_dir).has_value());
  return options;
}

}  // namespace

TEST_CASE("compare: the signed-rank test counts all signs, ties and zeros too", "[simulations][compare]") {
  const std::vector<std::vector<double>> samples{{1},
                                                 {1, 2, 3, 4, 5},
                                                 {-1, 2, -3, 4, 5, -0.5, 7.25},
                                                 {0.5, 0.5, -0.5, 1, 0, 0, -2},
                                                 {1, 1, 1, 1, -1, -1, 1, 1, -1},
                                                 {-3, -2.5, -1, 0.25, 4, 4, -4, 8, 9, -10, 11}};
  for (const auto& differences : samples) {
    CHECK(wilcoxon_p(differences) == Approx(brute_force_p(differences)).margin(1e-12));
  }
  CHECK(wilcoxon_p({1, 2, 3, 4, 5}) == 0.0625);
  CHECK(std::isnan(wilcoxon_p({0, 0})));
  CHECK(std::isnan(wilcoxon_p({})));
}

TEST_CASE("compare: beyond 200 pairs the normal approximation goes on where counting ends", "[simulations][compare]") {
  std::vector<double> differences;
  for (int i = 1; i <= 200; ++i) differences.push_back(i % 5 < 2 ? -i : i);
  const double counted = wilcoxon_p(differences);
  differences.push_back(0.5);  // the smallest of all
  CHECK(wilcoxon_p(differences) == Approx(counted).epsilon(0.05));
}

TEST_CASE("compare: the sign test is the binomial one", "[simulations][compare]") {
  CHECK(sign_test_p(9, 0) == Approx(2.0 / 512));
  CHECK(sign_test_p(8, 1) == Approx(2.0 * 10 / 512));
  CHECK(sign_test_p(3, 3) == 1.0);
  CHECK(std::isnan(sign_test_p(0, 0)));
}

TEST_CASE("compare: ties are those of the figures, not of their rounding", "[simulations][compare]") {
  // Twelve people, twenty samples each: nine are one sample better, three one worse.
  std::vector<double> differences;
  double before = 0.3;
  for (int i = 0; i < 12; ++i) {
    differences.push_back(i < 9 ? before + 0.05 - before : before - 0.05 - before);
    before += 0.05;
  }
  const PairedTest test = paired_test(differences, 0.9);
  CHECK(test.higher == 9);
  CHECK(test.lower == 3);
  CHECK(test.wilcoxon == Approx(brute_force_p({1, 1, 1, 1, 1, 1, 1, 1, 1, -1, -1, -1})));
  const PairedTest none = paired_test({(0.1 + 0.2 + 0.3) / 3 - (0.3 + 0.2 + 0.1) / 3}, 0.3);
  CHECK(none.higher + none.lower == 0);
}

TEST_CASE("compare: a difference is of seeds that both arms have, seed by seed", "[simulations][compare]") {
  const double none = rounds::kNotMeasured;
  const Units base{{"Ann", {{0, {0.2, 0.9}}, {1, {0.2, 0.5}}}}, {"Bo", {{0, {0.1, 0.4}}, {1, {0.1, none}}}}};
  const Units arm{{"Ann", {{0, {0.2, 0.85}}, {1, {0.8, none}}}}, {"Bo", {{0, {0.1, none}}, {1, {0.1, 0.6}}}}};
  const auto difference = difference_of(base, arm, true);
  REQUIRE(difference.has_value());
  CHECK(difference->pairs == 1);
  CHECK(difference->over_units.mean == Approx(-0.05));
  CHECK(difference->over_seeds.mean == Approx(-0.05));
  CHECK(difference->worse == 1);
  const std::vector<UnitRow> rows = rows_of(arm);
  CHECK(rows[0].before == Approx(0.5));
  CHECK(rows[0].gain == Approx(0.65));  // of the seed that has both
  CHECK_FALSE(difference_of(base, {{"Cy", {{0, {0.1, 0.2}}}}}, true).has_value());
}

TEST_CASE("compare: figures of a client are means over its tasks, weighted as figures over people are",
          "[simulations][compare]") {
  const test::TemporaryFolder folder;
  const std::string path = folder.file("devices.csv");
  const auto written =
      write_file(path, std::string("task,device,client,query_samples,accuracy_before,accuracy_after,"
                                   "root_mean_square_error_before,root_mean_square_error_after,auc_before,auc_after,"
                                   "skill_before,skill_after,persistence\n"
                                   "0,1,\"Ann, B\",10,0.5,1,3,1,,,0,0,1\n"
                                   "1,2,Bo,10,0.25,,2,,,,,,1\n"
                                   "2,1,\"Ann, B\",30,0.1,0.5,1,1,,,0.75,0.75,2\n"));
  REQUIRE(written.has_value());
  const auto accuracy = read_figures(path, *find_figure("accuracy"));
  REQUIRE(accuracy.has_value());
  CHECK(accuracy->has_names);
  CHECK(accuracy->units.at("Ann, B").before == Approx(0.2));
  CHECK(accuracy->units.at("Ann, B").after == Approx(0.625));
  CHECK(std::isnan(accuracy->units.at("Bo").after));
  const auto error = read_figures(path, *find_figure("root_mean_square_error"));
  REQUIRE(error.has_value());
  CHECK(error->units.at("Ann, B").before == Approx(std::sqrt(3.0)));
  CHECK(read_figures(path, *find_figure("auc")).error().message.find("was not measured") != std::string::npos);
  CHECK(find_figure("speed") == nullptr);
  // Squares of persistence are added up first: 1 - (10 * 1 + 30 * 1) / (10 * 1 + 30 * 4).
  CHECK(read_figures(path, *find_figure("skill"))->units.at("Ann, B").after == Approx(1 - 40.0 / 130));
  REQUIRE(write_file(path, std::string("task,client,query_samples,loss_before,loss_after\n0,,x,1,1\n")).has_value());
  CHECK(read_figures(path, *find_figure("loss")).error().code == Status::kDamaged);
}

TEST_CASE("compare: arms that are the same are told, and others are paired", "[simulations][compare]") {
  const test::TemporaryFolder folder;
  const CompareOptions options = options_in(folder);
  const auto result = compare_arms(options);
  REQUIRE(result.has_value());
  REQUIRE(result->is_complete);
  REQUIRE(result->written.has_value());
  CHECK(result->figure == "root_mean_square_error");
  CHECK_FALSE(result->higher_is_better);
  CHECK(result->unit == rounds::Unit::kTask);
  REQUIRE(result->arms.size() == 4);
  CHECK(result->arms[0].units.size() == 14);  // tasks of two seeds
  CHECK(result->arms[0].gain.mean == Approx(result->arms[0].after.mean - result->arms[0].before.mean));
  CHECK(result->arms[0].gain.half_width < result->arms[0].after.half_width + result->arms[0].before.half_width);
  CHECK_FALSE(result->arms[0].difference);
  CHECK(result->arms[1].difference->pairs == 14);
  CHECK(result->arms[1].difference->better + result->arms[1].difference->worse == 14);
  CHECK(result->arms[2].difference->better + result->arms[2].difference->worse == 0);
  CHECK(result->arms[2].difference->over_units.mean == 0);
  CHECK(std::isnan(result->arms[2].difference->wilcoxon));
  CHECK_FALSE(result->arms[1].update_bytes);
  REQUIRE(result->notes.size() == 3);
  CHECK(result->notes[0] ==
        "as it is and the same, again are equal to the bit: the same models and the same figures in every seed.");
  CHECK(result->notes[1] ==
        "longer support is judged by other tasks than as it is: [evaluation] support_size: 4 there, 9 here.");
  CHECK(result->notes[2] ==
        "as it is and longer support learned the same models to the bit; only their evaluations differ.");
  const auto csv = read_file(options.sweep.out_dir + "/units.csv");
  REQUIRE(csv.has_value());
  CHECK(std::count(csv->begin(), csv->end(), '\n') == 1 + 4 * 14);
}

TEST_CASE("compare: what cannot be compared is refused with the reason", "[simulations][compare]") {
  const test::TemporaryFolder folder;
  CompareOptions options = options_in(folder);
  options.baseline = "nobody";
  CHECK(compare_arms(options).error().message ==
        "--baseline: there is no arm 'nobody', use one of: as it is, no rounds, the same, again, longer support");
  options.baseline.clear();
  options.figure = "auc";
  CHECK(compare_arms(options).error().message ==
        "--figure: arm 'as it is' has no auc, only: loss, mean_absolute_error, root_mean_square_error");
  options.figure = "speed";
  CHECK(compare_arms(options).error().message.find("--figure: there is no 'speed', use one of: loss, accuracy") == 0);
  options.figure.clear();
  CHECK_FALSE(std::filesystem::exists(options.sweep.out_dir + "/runs.csv"));
  options.sweep.arms[1].experiment.evaluation.tasks = 0;
  options.sweep.arms[1].experiment.evaluation.final_tasks = 0;
  CHECK(compare_arms(options).error().message.find("arm 'no rounds': [evaluation] tasks, final_tasks") !=
        std::string::npos);

  const std::string alone = folder.file("alone.toml");
  REQUIRE(write_file(alone, std::string(test::kSmallSine)).has_value());
  CHECK(read_arms_of({alone}, {}).error().message.find("one experiment alone") == 0);
  CHECK(read_arms_of({alone, alone}, {}).error().message == alone + ": is given twice");
  const std::string twin = folder.file("twin.toml");
  REQUIRE(write_file(twin, std::string(test::kSmallSine)).has_value());
  const auto told_apart = read_arms_of({alone, twin}, {});
  REQUIRE(told_apart.has_value());
  CHECK((*told_apart)[0].name == "small (" + alone + ")");
  REQUIRE(write_file(twin, kArms + "[[arm]]\nname = \"no rounds\"\n").has_value());
  CHECK(read_arms_of({twin}, {}).error().message.find("is there twice") != std::string::npos);
}
