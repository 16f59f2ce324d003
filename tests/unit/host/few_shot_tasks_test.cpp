/// @file
/// Tasks drawn from a data set: classes, clients, rotations, records; and data sets that cannot serve them.

#include <catch2/catch.hpp>
#include <cstdlib>
#include <set>

#include "task_experiments.hpp"

using namespace skink;
using namespace skink::test;
using Catch::Matchers::Contains;

namespace {

std::string refusal(const Experiment& experiment, const DatasetFolder& content) {
  const Result<TaskGenerator> tasks = TaskGenerator::create(experiment, load(content));
  REQUIRE(tasks.has_error());
  return tasks.error().message;
}

/// How often the class of a way is turned.
unsigned turns(const Task& task, std::uint32_t way) { return task.sample(kSupport, way).turns; }

/// The image of a record of DatasetFolder, turned the slow way: out[y][x] = in[n-1-x][y].
std::vector<float> rotated(std::uint32_t record, std::uint32_t times) {
  std::vector<float> image(4);
  for (unsigned pixel = 0; pixel < 4; ++pixel) image[pixel] = static_cast<float>((4 * record + pixel) & 255U);
  for (std::uint32_t i = 0; i < times; ++i) {
    const std::vector<float> in = image;
    for (std::size_t y = 0; y < 2; ++y) {
      for (std::size_t x = 0; x < 2; ++x) image[2 * y + x] = in[2 * (1 - x) + y];
    }
  }
  return image;
}

}  // namespace

// The documented draw comes from a separate implementation of docs/arithmetic.md, section 10, in Python.

TEST_CASE("tasks: few-shot tasks draw the documented classes, rotations and records", "[common][host][tasks][golden]") {
  Experiment experiment = image_experiment();
  experiment.task.rotations = 4;
  const TaskGenerator tasks = TaskGenerator::create(experiment, load(DatasetFolder())).value();
  const Task task = tasks.draw({42, 5, 9, TaskUse::kAdapt});
  const std::uint32_t rotations[3] = {0, 0, 2};
  const std::uint32_t records[3][3] = {{6, 0, 2}, {10, 11, 12}, {13, 11, 9}};
  CHECK(task.support_count() == 6);
  CHECK(task.query_count() == 3);
  for (std::uint32_t way = 0; way < 3; ++way) {
    CHECK(turns(task, way) == rotations[way]);
    CHECK(task.sample(kSupport, way).record == records[way][0]);
    CHECK(task.sample(kSupport, 3 + way).record == records[way][1]);
    CHECK(task.sample(kQuery, way).record == records[way][2]);
    CHECK(task.target(kSupport, 3 + way, 2) == static_cast<float>(way));
    CHECK(task.target(kQuery, way, 0) == static_cast<float>(way));
  }
  CHECK(input_of(task, kSupport, 2) == rotated(13, 2));
}

TEST_CASE("tasks: images are turned as documented", "[common][host][tasks]") {
  Experiment experiment = image_experiment();
  experiment.task.rotations = 4;
  const TaskGenerator tasks = TaskGenerator::create(experiment, load(DatasetFolder())).value();
  std::set<std::uint32_t> seen;
  for (std::uint32_t number = 0; number < 30; ++number) {
    const Task task = tasks.draw({1, 0, number, TaskUse::kAdapt});
    for (std::uint32_t i = 0; i < task.support_count(); ++i) {
      CHECK(input_of(task, kSupport, i) == rotated(task.sample(kSupport, i).record, turns(task, i % 3)));
      seen.insert(turns(task, i % 3));
    }
  }
  CHECK(seen.size() == 4);
}

TEST_CASE("tasks: classes that validate are not adapted to, and need not be turned", "[common][host][tasks]") {
  Experiment experiment = image_experiment();
  experiment.task.rotations = 4;
  experiment.task.validation_classes = 3;
  experiment.evaluation.split = Split::kValidation;
  experiment.evaluation.tasks = 1;
  const std::shared_ptr<const Dataset> dataset = load(DatasetFolder());
  const TaskGenerator tasks = TaskGenerator::create(experiment, dataset).value();
  std::set<std::uint16_t> adapted;
  std::set<std::uint16_t> validated;
  for (std::uint32_t number = 0; number < 50; ++number) {
    const Task adapt = tasks.draw({1, 0, number, TaskUse::kAdapt});
    const Task evaluate = tasks.draw({1, 0, number, TaskUse::kEvaluate});
    for (std::uint32_t way = 0; way < 3; ++way) {
      adapted.insert(dataset->class_of(adapt.sample(kSupport, way).record));
      validated.insert(dataset->class_of(evaluate.sample(kSupport, way).record));
      CHECK(turns(evaluate, way) == 0);
    }
  }
  CHECK(adapted == std::set<std::uint16_t>{0, 1, 2});
  CHECK(validated == std::set<std::uint16_t>{3, 4, 5});
}

TEST_CASE("tasks: an image of three pixels a side turns by a quarter", "[common][host][tasks]") {
  DatasetFolder content;
  content.sample_shape = {3, 3};
  content.json = "{}";
  content.x.clear();
  for (unsigned i = 0; i < 48 * 9; ++i) content.x.push_back(static_cast<std::uint8_t>(i % 9));
  Experiment experiment = image_experiment();
  experiment.model.input = {3, 3, 1};
  experiment.task.rotations = 4;
  const TaskGenerator tasks = TaskGenerator::create(experiment, load(content)).value();
  const std::vector<float> turned[4] = {{0, 1, 2, 3, 4, 5, 6, 7, 8},
                                        {6, 3, 0, 7, 4, 1, 8, 5, 2},
                                        {8, 7, 6, 5, 4, 3, 2, 1, 0},
                                        {2, 5, 8, 1, 4, 7, 0, 3, 6}};
  for (std::uint32_t number = 0; number < 20; ++number) {
    const Task task = tasks.draw({1, 0, number, TaskUse::kAdapt});
    std::vector<float> stored(9);
    task.read_input(kQuery, 0, {stored.data(), stored.size()});
    CHECK(stored == turned[turns(task, 0)]);
  }
}

TEST_CASE("tasks: support and query never share a record, and ways never share a class", "[common][host][tasks]") {
  Experiment experiment = image_experiment();
  experiment.task.support_size = 5;
  experiment.task.query_size = 3;
  const std::shared_ptr<const Dataset> dataset = load(DatasetFolder());
  const TaskGenerator tasks = TaskGenerator::create(experiment, dataset).value();
  for (std::uint32_t round = 0; round < 50; ++round) {
    const Task task = tasks.draw({3, round, 1, TaskUse::kAdapt});
    std::set<std::uint32_t> records;
    std::set<std::uint32_t> classes;
    for (const TaskSet query : {kSupport, kQuery}) {
      for (std::uint32_t i = 0; i < task.count(query); ++i) {
        records.insert(task.sample(query, i).record);
        classes.insert(dataset->class_of(task.sample(query, i).record));
      }
    }
    CHECK(records.size() == 24);
    CHECK(classes.size() == 3);
  }
}

TEST_CASE("tasks: adaptation and evaluation have their own sizes and splits", "[common][host][tasks]") {
  DatasetFolder content;
  for (std::size_t record = 24; record < 48; ++record) content.splits[record] = 2;
  Experiment experiment = image_experiment();
  experiment.evaluation.tasks = 1;
  experiment.evaluation.support_size = 3;
  experiment.evaluation.query_size = 4;
  const TaskGenerator tasks = TaskGenerator::create(experiment, load(content)).value();
  CHECK(tasks.most_support(TaskUse::kAdapt) == 6);
  CHECK(tasks.most_query(TaskUse::kAdapt) == 3);
  CHECK(tasks.most_support(TaskUse::kEvaluate) == 9);
  CHECK(tasks.most_query(TaskUse::kEvaluate) == 12);
  for (std::uint32_t number = 0; number < 20; ++number) {
    const Task adapt = tasks.draw({1, 0, number, TaskUse::kAdapt});
    const Task evaluate = tasks.draw({1, 0, number, TaskUse::kEvaluate});
    CHECK(evaluate.query_count() == 12);
    for (std::uint32_t i = 0; i < adapt.support_count(); ++i) CHECK(adapt.sample(kSupport, i).record < 24);
    for (std::uint32_t i = 0; i < evaluate.query_count(); ++i) CHECK(evaluate.sample(kQuery, i).record >= 24);
  }
}

TEST_CASE("tasks: grouped by client, a device keeps to one client", "[common][host][tasks]") {
  Experiment experiment = image_experiment();
  experiment.task.group = TaskGrouping::kClient;
  DatasetFolder content;
  for (std::uint16_t& client : content.clients) client = client == 0 ? std::uint16_t{70} : std::uint16_t{20};
  const std::shared_ptr<const Dataset> dataset = load(content);
  const TaskGenerator tasks = TaskGenerator::create(experiment, dataset).value();
  for (std::uint32_t number = 0; number < 6; ++number) {
    for (std::uint32_t round = 0; round < 5; ++round) {
      const Task task = tasks.draw({1, round, number, TaskUse::kAdapt});
      const unsigned client = number % 2 == 0 ? 20 : 70;
      for (std::uint32_t i = 0; i < task.support_count(); ++i) {
        CHECK(dataset->client_of(task.sample(kSupport, i).record) == client);
      }
    }
  }
}

TEST_CASE("tasks: whoever learns from a query set needs one, or is left out", "[common][host][tasks]") {
  Experiment experiment = image_experiment();
  experiment.task.labels = TaskLabels::kFixed;
  experiment.task.group = TaskGrouping::kClient;
  experiment.task.ways = 0;
  experiment.model.layers[1].spec.units = 6;
  experiment.task.query_size = TaskSize::all();
  DatasetFolder content;
  for (std::uint16_t& client : content.clients) client = 0;
  content.clients[0] = 1;  // a client with a single record
  experiment.meta.strategy = StrategyKind::kReptile;
  CHECK(TaskGenerator::create(experiment, load(content))->census(TaskUse::kAdapt).clients == 2);
  experiment.meta.strategy = StrategyKind::kFomaml;
  const TaskGenerator tasks = TaskGenerator::create(experiment, load(content)).value();
  const TaskCensus& census = tasks.census(TaskUse::kAdapt);
  CHECK(census.clients == 1);
  REQUIRE(census.left_out.size() == 1);
  CHECK(census.left_out[0].client == "1");
  CHECK(census.left_out[0].reason == "no records are left for a query set to learn from");
}

TEST_CASE("tasks: a data set that cannot serve every task is refused with names and numbers", "[common][host][tasks]") {
  Experiment experiment = image_experiment();
  DatasetFolder content;
  SECTION("no data set") {
    experiment.task.dataset = "omniglot";
    CHECK_THAT(TaskGenerator::create(experiment, nullptr).error().message, Contains("need the data set omniglot"));
  }
  SECTION("too few records of a class") {
    experiment.task.support_size = 8;
    CHECK(refusal(experiment, content) ==
          "data set tiny: the train split: 0 of its 6 classes have 9 records (support_size + query_size; the most is "
          "8), ways is 3");
  }
  SECTION("too few records of a client's class") {
    experiment.task.group = TaskGrouping::kClient;
    experiment.task.support_size = 4;
    CHECK_THAT(refusal(experiment, content),
               Contains("no client of the train split can have a task; client 0: 0 of its 6 classes have 5"));
  }
  SECTION("too few classes") {
    experiment.task.ways = 7;
    CHECK_THAT(refusal(experiment, content), Contains("6 of its 6 classes") && Contains("ways is 7"));
    experiment.task.rotations = 4;
    CHECK(TaskGenerator::create(experiment, load(content)).has_value());
    experiment.task.ways = 25;
    CHECK_THAT(refusal(experiment, content), Contains("in 4 rotations, ways is 25"));
  }
  SECTION("no class left to adapt to") {
    experiment.task.validation_classes = 6;
    CHECK(refusal(experiment, content) == "data set tiny: the train split has 6 classes, but validation_classes is 6");
  }
  SECTION("an empty split") {
    experiment.evaluation.final_tasks = 1;
    CHECK(refusal(experiment, content) == "data set tiny: the test split is empty");
    experiment.evaluation.split = Split::kValidation;
    CHECK(refusal(experiment, content) == "data set tiny: the validation split is empty");
  }
  SECTION("another shape than the model's") {
    experiment.model.input = {4, 1, 1};
    CHECK(refusal(experiment, content) ==
          "data set tiny: its samples have shape [2, 2], but [model] input is [4, 1, 1]");
    experiment.model.input = {1, 1, 5};
    CHECK_THAT(refusal(experiment, content), Contains("[model] input is [5]"));
    experiment.model.input = {1, 1, 4};
    CHECK(TaskGenerator::create(experiment, load(content)).has_value());
  }
  SECTION("rotations of what is not square") {
    experiment.task.rotations = 4;
    content.sample_shape = {1, 4};
    content.json = R"({"name": "tiny"})";
    experiment.model.input = {1, 1, 4};
    CHECK(refusal(experiment, content) ==
          "data set tiny: rotations need square images of one channel, its samples have shape [1, 4]");
  }
}

TEST_CASE("tasks: generated images serve the experiment made for them", "[common][host][tasks]") {
  const char* python = std::getenv("SKINK_PYTHON");
  const char* source = std::getenv("SKINK_SOURCE_DIR");
  if (python == nullptr || source == nullptr) {
    WARN("SKINK_PYTHON or SKINK_SOURCE_DIR is not set");
    return;
  }
  const TemporaryFolder folder;
  const std::string command =
      std::string("\"") + python + "\" \"" + source + "/tests/data/make_images.py\" \"" + folder.file("images") + "\"";
  REQUIRE(std::system(command.c_str()) == 0);
  const Experiment experiment = read_experiment(std::string(source) + "/experiments/images-5w5s.toml").value();
  const std::shared_ptr<const Dataset> dataset = load_dataset(experiment.task, folder.path()).value();
  CHECK(dataset->record_count() == 1200);
  CHECK(dataset->classes_of(Split::kTrain).size() == 40);
  CHECK(dataset->classes_of(Split::kTest).size() == 20);
  CHECK(dataset->clients_of(Split::kTest).size() == 20);
  CHECK(TaskGenerator::create(experiment, dataset).has_value());
}
