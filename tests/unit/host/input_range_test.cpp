#include "skink/host/experiment/input_range.hpp"

#include <catch2/catch.hpp>

#include "skink/host/data/fingerprint.hpp"
#include "skink/host/files/files.hpp"
#include "task_experiments.hpp"

using namespace skink;

TEST_CASE("input range: of a data set it is that of training, as the network sees it", "[host][experiment]") {
  test::DatasetFolder content;  // pixels 0..191
  for (std::size_t record = 24; record < 48; ++record) content.splits[record] = 2;
  Experiment experiment = test::image_experiment();
  experiment.model.input_scale = -2.0F;
  experiment.model.input_offset = 1.0F;
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

TEST_CASE("data set fingerprint: it changes with every file", "[host][data]") {
  const test::TemporaryFolder folder;
  test::DatasetFolder().write(folder);
  const std::string before = dataset_sha256(folder.path()).value();
  CHECK(before.size() == 64);
  CHECK(dataset_sha256(folder.path()).value() == before);
  const char* const name = GENERATE("x.npy", "class.npy", "client.npy", "split.npy", "dataset.json", "time.npy");
  const auto there = read_file(folder.file(name));
  std::string bytes = there ? *there : "new";
  bytes.back() = static_cast<char>(bytes.back() ^ 1);
  folder.write(name, bytes);
  CHECK(dataset_sha256(folder.path()).value() != before);
}

TEST_CASE("data set fingerprint: what does not belong to it does not change it", "[host][data]") {
  const test::TemporaryFolder folder;
  test::DatasetFolder().write(folder);
  const std::string before = dataset_sha256(folder.path()).value();
  folder.write("notes.txt", "mine");
  CHECK(dataset_sha256(folder.path()).value() == before);
  CHECK(dataset_sha256(TaskConfig(), "/nowhere").value().empty());  // sines have none
}
