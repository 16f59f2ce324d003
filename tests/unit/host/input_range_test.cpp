#include "skink/host/experiment/input_range.hpp"

#include <catch2/catch.hpp>

#include "task_experiments.hpp"

using namespace skink;

TEST_CASE("input range: of a data set it is that of training, as the network sees it", "[host][experiment]") {
  test::DatasetFolder content;  // pixels 0..191
  for (std::size_t record = 24; record < 48; ++record) content.splits[record] = 2;
  Experiment experiment = test::image_experiment();
  experiment.model.input_scale = {-2.0F};
  experiment.model.input_offset = {1.0F};
  const InputRange range = input_range(experiment, test::load(content).get());
  CHECK(range.most == 1.0);
  CHECK(range.least == -2.0 * 95 + 1);
  CHECK(range.largest() == 189.0);
  CHECK(range.stored_mean == Approx(47.5));
  CHECK(range.stored_deviation == Approx(27.711).epsilon(1e-4));
}

TEST_CASE("input range: of sines it is the interval that inputs are drawn from", "[host][experiment]") {
  const InputRange range = input_range(test::sine_experiment(), nullptr);
  CHECK(range.least == -5.0);
  CHECK(range.most == 5.0);
  CHECK(range.stored_deviation == Approx(2.89).epsilon(0.01));
}

TEST_CASE("input range: every channel has its own scale", "[host][experiment]") {
  test::DatasetFolder content;  // samples of 4 numbers: record * 4 + place
  Experiment experiment = test::image_experiment();
  experiment.model.input = {1, 1, 4};
  experiment.model.input_scale = {1.0F, 1.0F, 1.0F, 10.0F};
  experiment.model.input_offset = {0.0F, 0.0F, 0.0F, 5.0F};
  const InputRange range = input_range(experiment, test::load(content).get());
  CHECK(range.least == 0.0);
  CHECK(range.most == 10.0 * 191 + 5);
}
