/// Raw logs, a reading in each row: which windows they are cut into, and which not.

#include <fmt/format.h>

#include <catch2/catch.hpp>

#include "import_fixture.hpp"
#include "skink/host/files/files.hpp"

using namespace skink;
using Catch::Matchers::Contains;
using test::error_of;
using test::Imported;

namespace {

using Options = simulations::ImportOptions;

/// Readings of one device at 10 a second: x is the reading's number.
std::string log_of(int readings, const std::function<std::string(int)>& label, int gap_at = -1) {
  std::string text = "time,device,motion,x\n";
  for (int r = 0; r < readings; ++r) {
    const double time_s = 100 + 0.1 * r + (gap_at >= 0 && r >= gap_at ? 1 : 0);
    text += fmt::format("{:.3f},g1,{},{}\n", time_s, label(r), r);
  }
  return text;
}

const auto kOneLabel = [](int) { return std::string("walk"); };

test::Change cut(std::size_t window, std::size_t stride, const test::Change& more = {}) {
  return [=](Options& o) {
    o.raw.window = window;
    o.raw.stride = stride;
    o.raw.rate_hz = 10;
    o.time_column = "time";
    if (more) more(o);
  };
}

std::vector<float> firsts(const Imported& made) {
  std::vector<float> numbers;
  for (std::size_t r = 0; r < made.dataset.record_count(); ++r) numbers.push_back(made.stored(r)[0]);
  return numbers;
}

}  // namespace

TEST_CASE("raw log: windows overlap by window minus stride", "[simulations][import]") {
  const Imported made(log_of(11, kOneLabel), cut(4, 2));
  CHECK(made.dataset.sample_shape() == std::vector<std::size_t>{4, 1});
  CHECK(firsts(made) == std::vector<float>{0, 2, 4, 6});
  CHECK(made.stored(1) == std::vector<float>{2, 3, 4, 5});
  CHECK(made.dataset.overlap() == 1);
  CHECK(made.dataset.time_of(0) == 0);
  CHECK(made.dataset.time_of(3) == Approx(0.6F));
  CHECK(made.report.raw.readings == 11);
  CHECK(made.report.raw.leftovers == 1);
  CHECK(made.report.raw.leftover_readings == 1);
  CHECK(made.report.raw.median_step_s == Approx(0.1).epsilon(0.01));
  CHECK(std::filesystem::file_size(made.options.out_dir + "/recording.npy") == 128 + 4 * 2);
  CHECK(Imported(log_of(11, kOneLabel), cut(4, 0)).dataset.overlap() == 0);
  CHECK(Imported(log_of(11, kOneLabel), cut(4, 3)).dataset.overlap() == 1);
  CHECK(Imported(log_of(11, kOneLabel), cut(4, 1)).dataset.overlap() == 3);
  CHECK(firsts(Imported(log_of(11, kOneLabel), cut(1, 5))) == std::vector<float>{0, 5, 10});
}

TEST_CASE("raw log: no window goes over a gap", "[simulations][import]") {
  const Imported made(log_of(12, kOneLabel, 6), cut(4, 2));
  CHECK(firsts(made) == std::vector<float>{0, 2, 6, 8});
  CHECK(made.report.raw.gaps == 1);
  CHECK(made.report.raw.recordings == 2);
  CHECK(made.dataset.time_of(2) == Approx(1.6F));
  // An empty cell is one too.
  std::string csv = log_of(12, kOneLabel);
  csv.replace(csv.find("walk,5\n"), 7, "walk,\n");
  const Imported holed(csv, cut(4, 2));
  CHECK(firsts(holed) == std::vector<float>{0, 6, 8});
  CHECK(holed.report.raw.incomplete == 1);
  CHECK(holed.report.raw.gaps == 0);
  // Without times only empty cells are.
  const Imported timeless("device,motion,x\ng1,a,0\ng1,a,1\ng1,a,NA\ng1,a,3\ng1,a,4\n",
                          [](Options& o) { o.raw.window = 2; });
  CHECK(firsts(timeless) == std::vector<float>{0, 3});
  CHECK_FALSE(timeless.dataset.has_time());
}

TEST_CASE("raw log: devices may be mixed, each has its own windows", "[simulations][import]") {
  std::string csv = "time,device,motion,x\n";
  for (int r = 0; r < 8; ++r) csv += fmt::format("{},g{},walk,{}\n", 0.05 * r, r % 2, r);
  const Imported made(csv, cut(4, 4));
  CHECK(made.stored(0) == std::vector<float>{0, 2, 4, 6});
  CHECK(made.stored(1) == std::vector<float>{1, 3, 5, 7});
  CHECK(made.dataset.client_name(1) == "g1");
}

TEST_CASE("raw log: a window has one label, unless a rule says which", "[simulations][import]") {
  const auto label = [](int reading) { return std::string(reading < 5 ? "walk" : "run"); };
  const std::string csv = log_of(13, label);
  const Imported pure(csv, cut(4, 4));
  CHECK(firsts(pure) == std::vector<float>{0, 5, 9});
  CHECK(pure.report.raw.mixed == 1);
  const auto labels = [&csv](simulations::LabelRule rule) {
    const Imported made(csv, cut(4, 3, [rule](Options& o) { o.raw.label_rule = rule; }));
    CHECK(firsts(made) == std::vector<float>{0, 3, 6, 9});
    std::string text;
    for (std::size_t r = 0; r < 4; ++r) text += made.dataset.class_name(made.dataset.class_of(r))[0];
    return text;
  };
  CHECK(labels(simulations::LabelRule::kFirst) == "wwrr");
  CHECK(labels(simulations::LabelRule::kLast) == "wrrr");
  CHECK(labels(simulations::LabelRule::kMajority) == "wwrr");  // two of each: the first
}

TEST_CASE("raw log: targets are readings after the window, never beyond a gap", "[simulations][import]") {
  const auto forecast = [](Options& o) {
    o.columns = o.target_columns = {"x"};
    o.raw.horizons = {1, 3};
    o.label_column = "";
  };
  const Imported made(log_of(20, kOneLabel, 11), cut(4, 2, forecast));
  CHECK(firsts(made) == std::vector<float>{0, 2, 4, 11, 13});
  REQUIRE(made.dataset.target_size() == 2);
  float target[2];
  made.dataset.read_target(4, target);
  CHECK(target[0] == 17);
  CHECK(target[1] == 19);
  CHECK(made.dataset.target_names() == std::vector<std::string>{"x+1", "x+3"});
  CHECK(made.report.raw.without_target == 2);  // those from 6 and from 15
  CHECK(made.dataset.sample_shape() == std::vector<std::size_t>{4, 1});
  CHECK(made.dataset.class_name(0) == "all");
}

TEST_CASE("raw log: times must grow, or a new recording begins", "[simulations][import]") {
  const std::string csv =
      "time,device,motion,take,x\n0,g1,a,1,0\n0.1,g1,a,1,1\n0.1,g1,a,1,2\n0.2,g1,a,1,3\n0,g1,a,2,4\n0.1,g1,a,2,5\n";
  const auto some = [](Options& o) { o.columns = {"x"}; };
  CHECK_THAT(error_of(csv, cut(2, 2, some)),
             Contains("windows.csv:4: column \"time\"") && Contains("the time is that of") && Contains("--recording"));
  const auto recorded = [](Options& o) {
    o.columns = {"x"};
    o.raw.recording_column = "take";
  };
  const Imported made(csv, cut(2, 2, recorded));
  CHECK(firsts(made) == std::vector<float>{0, 2, 4});
  CHECK(made.report.raw.recordings == 3);
  // Clocks that start again go on, so that times of a device grow.
  CHECK(made.dataset.time_of(1) == Approx(0.2F));
  CHECK(made.dataset.time_of(2) == Approx(0.4F));
  CHECK_THAT(error_of(csv + "0.3,g1,a,1,6\n", cut(2, 2, recorded)), Contains("goes on after another one"));
}

TEST_CASE("raw log: another rate than the stated one is said", "[simulations][import]") {
  const auto at = [](double rate) { return [rate](Options& o) { o.raw.rate_hz = rate; }; };
  const Imported slow(log_of(12, kOneLabel), cut(4, 2, at(8)));
  CHECK_THAT(slow.text(), Contains("readings come at 10 a second (median), not at the 8 of --rate"));
  const Imported right(log_of(12, kOneLabel), cut(4, 2, at(10.5)));
  CHECK_THAT(right.text(), !Contains("median"));
  CHECK_THAT(error_of(log_of(12, kOneLabel), cut(4, 2, at(50))),
             Contains("no window of 4 readings fits") && Contains("10 readings a second: look at --rate"));
}

TEST_CASE("raw log: options without a sense are refused", "[simulations][import]") {
  const std::string csv = log_of(12, kOneLabel);
  CHECK_THAT(error_of(csv, [](Options& o) { o.raw.stride = 2; }), Contains("they need --window"));
  CHECK_THAT(error_of(csv,
                      [](Options& o) {
                        o.raw.horizons = {1};
                        o.target_columns = {"x"};
                      }),
             Contains("need --window"));
  CHECK_THAT(error_of(csv, cut(4, 2, [](Options& o) { o.raw.rate_hz = 0; })),
             Contains("--time: a raw log needs --rate"));
  CHECK_THAT(error_of(csv, cut(4, 2, [](Options& o) { o.raw.rate_hz = -1; })), Contains("--rate"));
  CHECK_THAT(error_of(csv, cut(4, 2, [](Options& o) { o.shape = {4}; })), Contains("--shape"));
  CHECK_THAT(error_of(csv, cut(4, 2, [](Options& o) { o.raw.horizons = {3}; })), Contains("--horizon needs --target"));
  CHECK_THAT(error_of(csv, cut(65536, 2)), Contains("use 1..65535"));
  CHECK_THAT(error_of(csv, [](Options& o) { o.label_column = ""; }), Contains("--label"));
  CHECK_THAT(error_of(csv, cut(20, 2)), Contains("no window of 20 readings fits: 12 readings in 1 stretches"));
}
