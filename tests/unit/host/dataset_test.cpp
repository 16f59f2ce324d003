#include "skink/host/data/dataset.hpp"

#include <catch2/catch.hpp>
#include <cstdlib>
#include <fstream>
#include <iterator>
#include <limits>
#include <map>

#include "dataset_folder.hpp"

using namespace skink;
using Catch::Matchers::Contains;
using test::DatasetFolder;
using test::TemporaryFolder;

namespace {

std::string error_of(const DatasetFolder& content) {
  const TemporaryFolder folder;
  content.write(folder);
  const Result<Dataset> dataset = Dataset::load(folder.path());
  REQUIRE(dataset.has_error());
  return dataset.error().message;
}

/// Sets an environment variable for one test.
class Environment {
 public:
  explicit Environment(const char* value) {
    const char* before = std::getenv("SKINK_DATA");
    if (before != nullptr) before_ = before;
    was_set_ = before != nullptr;
    value == nullptr ? unsetenv("SKINK_DATA") : setenv("SKINK_DATA", value, 1);
  }
  ~Environment() { was_set_ ? setenv("SKINK_DATA", before_.c_str(), 1) : unsetenv("SKINK_DATA"); }
  Environment(const Environment&) = delete;
  Environment& operator=(const Environment&) = delete;

 private:
  std::string before_;
  bool was_set_ = false;
};

}  // namespace

TEST_CASE("dataset: a folder is read as it was written", "[common][host][dataset]") {
  const TemporaryFolder folder;
  DatasetFolder content;
  content.splits[8] = 2;
  content.splits[30] = 2;
  content.clients[30] = 9;
  content.write(folder);
  const Result<Dataset> dataset = Dataset::load(folder.path());
  REQUIRE(dataset.has_value());
  CHECK(dataset->name() == "tiny");
  CHECK(dataset->record_count() == 48);
  CHECK(dataset->sample_shape() == std::vector<std::size_t>{2, 2});
  CHECK(dataset->sample_size() == 4);
  CHECK(dataset->scale() == std::vector<double>{0.5});
  CHECK(dataset->offset() == std::vector<double>{-1});
  CHECK(dataset->class_name(1) == "bee");
  CHECK(dataset->class_name(6) == "6");
  CHECK(dataset->class_of(30) == 3);
  CHECK(dataset->client_of(30) == 9);
  CHECK(dataset->split_of(8) == Split::kTest);
  CHECK(dataset->classes_of(Split::kTest) == std::vector<std::uint16_t>{1, 3});
  CHECK(dataset->clients_of(Split::kTest) == std::vector<std::uint16_t>{0, 9});
  CHECK(dataset->clients_of(Split::kValidation).empty());
  float stored[4];
  dataset->read_stored(5, stored);
  CHECK(std::vector<float>(stored, stored + 4) == std::vector<float>{20, 21, 22, 23});
}

TEST_CASE("dataset: i16 and float samples keep their stored values", "[common][host][dataset]") {
  const TemporaryFolder folder;
  DatasetFolder content;
  content.json = "{}";
  content.write(folder);
  float stored[1];
  std::vector<std::int16_t> integers(48, -300);
  folder.write("x.npy", test::npy_of(integers, {48, 1}));
  Dataset::load(folder.path()).value().read_stored(47, stored);
  CHECK(stored[0] == -300.0F);
  std::vector<float> reals(48, 0.1F);
  folder.write("x.npy", test::npy_of(reals, {48, 1}));
  Dataset::load(folder.path()).value().read_stored(0, stored);
  CHECK(stored[0] == 0.1F);
  reals[3] = std::numeric_limits<float>::infinity();
  folder.write("x.npy", test::npy_of(reals, {48, 1}));
  CHECK_THAT(Dataset::load(folder.path()).error().message, Contains("record 3 holds a number that is not finite"));
}

TEST_CASE("dataset: files that do not belong together are refused", "[common][host][dataset]") {
  DatasetFolder content;
  SECTION("another length") {
    content.clients.pop_back();
    CHECK_THAT(error_of(content), Contains("client.npy: has shape [47], but x.npy has 48 records"));
  }
  SECTION("a split beyond 2") {
    content.splits[7] = 3;
    CHECK_THAT(error_of(content), Contains("split.npy: record 7 is 3, use 0 train, 1 validation or 2 test"));
  }
  SECTION("another number type") {
    const TemporaryFolder folder;
    content.write(folder);
    folder.write("class.npy", test::npy_of(std::vector<std::uint8_t>(48, 0), {48}));
    CHECK_THAT(Dataset::load(folder.path()).error().message, Contains("class.npy: holds u8, wanted u16"));
    folder.write("x.npy", test::npy_of(std::vector<std::uint16_t>(48, 0), {48, 1}));
    CHECK_THAT(Dataset::load(folder.path()).error().message, Contains("x.npy: holds u16, wanted u8, i16 or float32"));
  }
  SECTION("no samples") {
    content.sample_shape.clear();
    content.x.resize(48);
    CHECK_THAT(error_of(content), Contains("x.npy: has shape [48], wanted [records, ...]"));
    content.sample_shape = {0};
    content.x.clear();
    CHECK_THAT(error_of(content), Contains("its samples are empty"));
  }
  SECTION("a description of something else") {
    content.json = R"({"records": 47})";
    CHECK_THAT(error_of(content), Contains("dataset.json: records: x.npy has 48"));
    content.json = R"({"shape": [2, 3]})";
    CHECK_THAT(error_of(content), Contains("dataset.json: shape: the samples of x.npy have [2, 2]"));
    content.json = R"({"shape": "2x2"})";
    CHECK_THAT(error_of(content), Contains("dataset.json: shape"));
    content.json = R"({"shape": [2, -2]})";
    CHECK_THAT(error_of(content), Contains("dataset.json: shape"));
    content.json = R"({"classes": 7})";
    CHECK_THAT(error_of(content), Contains("dataset.json: classes: there are 6"));
    content.json = R"({"clients": "two"})";
    CHECK_THAT(error_of(content), Contains("dataset.json: clients: there are 2"));
    content.json = R"({"class_names": ["ant", "bee", "cat", "dog", "elk"]})";
    CHECK_THAT(error_of(content), Contains("dataset.json: class_names: has 5 names, class.npy has class 5"));
  }
}

TEST_CASE("dataset: a damaged description is refused", "[common][host][dataset]") {
  DatasetFolder content;
  for (const char* json :
       {"", "{", "[]", "{} {}", "\xff", R"({"name": "\ud800"})", R"({"scale": 1e999})", R"({"scale": 0})",
        R"({"scale": null})", R"({"offset": []})", R"({"records": -1})", R"({"scale": "big"})",
        R"({"class_names": [1]})", R"({"class_names": 1})", R"({"name": 3})"}) {
    content.json = json;
    CHECK_THAT(error_of(content), Contains("dataset.json: "));
  }
}

TEST_CASE("dataset: numbers that NumPy has by default are refused with the type that is wanted",
          "[common][host][dataset]") {
  const TemporaryFolder folder;
  DatasetFolder().write(folder);
  const std::string eight_bytes(48 * 8, '\0');
  for (const char* name : {"class.npy", "client.npy", "split.npy", "x.npy"}) {
    DatasetFolder().write(folder);
    folder.write(name, test::npy_bytes(test::npy_header("<i8", "(48,)"), eight_bytes));
    const std::string message = Dataset::load(folder.path()).error().message;
    CHECK_THAT(message, Contains(folder.file(name) + ": holds <i8, use u8, u16, i16 or float32"));
    const std::map<std::string, std::string> wanted{{"x.npy", "; here u8, i16"}, {"split.npy", "; here u8"}};
    const auto found = wanted.find(name);
    CHECK_THAT(message, Contains(found == wanted.end() ? "; here u16" : found->second));
  }
}

TEST_CASE("dataset: lists of other shapes are refused", "[common][host][dataset]") {
  const TemporaryFolder folder;
  DatasetFolder().write(folder);
  folder.write("class.npy", test::npy_of(std::vector<std::uint16_t>(48, 0), {48, 1}));
  CHECK_THAT(Dataset::load(folder.path()).error().message, Contains("class.npy: has shape [48, 1]"));
  DatasetFolder().write(folder);
  folder.write("split.npy", test::npy_of(std::vector<std::uint8_t>(1, 0), {}));
  CHECK_THAT(Dataset::load(folder.path()).error().message, Contains("split.npy: has shape []"));
}

TEST_CASE("dataset: every file that is cut short or garbled is named", "[common][host][dataset]") {
  for (const char* name : {"x.npy", "class.npy", "client.npy", "split.npy", "dataset.json"}) {
    const TemporaryFolder folder;
    DatasetFolder().write(folder);
    std::ifstream file(folder.file(name), std::ios::binary);
    const std::string whole((std::istreambuf_iterator<char>(file)), std::istreambuf_iterator<char>());
    const std::size_t last = whole.size() - 1;
    for (const std::size_t length : {std::size_t{0}, std::size_t{7}, whole.size() / 2, last}) {
      folder.write(name, whole.substr(0, length));
      const Result<Dataset> dataset = Dataset::load(folder.path());
      REQUIRE(dataset.has_error());
      CHECK_THAT(dataset.error().message, Contains(folder.file(name) + ": "));
    }
    folder.write(name, whole + "more");
    CHECK_THAT(Dataset::load(folder.path()).error().message, Contains(folder.file(name) + ": "));
  }
}

TEST_CASE("dataset: a missing file is named", "[common][host][dataset]") {
  for (const char* name : {"x.npy", "class.npy", "client.npy", "split.npy", "dataset.json"}) {
    const TemporaryFolder folder;
    DatasetFolder().write(folder);
    std::filesystem::remove(folder.file(name));
    const Result<Dataset> dataset = Dataset::load(folder.path());
    REQUIRE(dataset.has_error());
    CHECK(dataset.error().code == Status::kUnavailable);
    CHECK_THAT(dataset.error().message, Contains(folder.file(name) + ": cannot be read"));
  }
}

TEST_CASE("dataset: it is looked for below --data, else below SKINK_DATA", "[common][host][dataset]") {
  const TemporaryFolder folder;
  std::filesystem::create_directory(folder.file("tiny"));
  SECTION("neither is given") {
    const Environment environment(nullptr);
    CHECK_THAT(find_dataset("tiny", "").error().message, Contains("give --data FOLDER or set SKINK_DATA"));
  }
  SECTION("the environment") {
    const Environment environment(folder.path().c_str());
    CHECK(find_dataset("tiny", "").value() == folder.file("tiny"));
    CHECK_THAT(find_dataset("other", "").error().message,
               Contains("no folder " + folder.file("other") + " (from SKINK_DATA)"));
  }
  SECTION("--data goes first") {
    const Environment environment("/nowhere");
    CHECK(find_dataset("tiny", folder.path()).value() == folder.file("tiny"));
    CHECK_THAT(find_dataset("other", folder.path()).error().message, Contains("(from --data)"));
  }
}

TEST_CASE("dataset: an experiment loads the data set it names, and none for sine tasks", "[common][host][dataset]") {
  const TemporaryFolder folder;
  TaskConfig task;
  CHECK(load_dataset(task, folder.path()).value() == nullptr);
  task.source = TaskSource::kDataset;
  task.dataset = "none";
  CHECK(load_dataset(task, folder.path()).has_error());
  DatasetFolder().write(folder);
  const std::filesystem::path path(folder.path());
  task.dataset = path.filename().string();
  CHECK(load_dataset(task, path.parent_path().string()).value()->record_count() == 48);
}
