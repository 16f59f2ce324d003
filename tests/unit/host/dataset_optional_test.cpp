/// What a data set may have beyond samples and labels: times, targets, names, scales per channel, its fingerprint.

#include <catch2/catch.hpp>
#include <limits>

#include "dataset_folder.hpp"
#include "skink/host/data/dataset.hpp"
#include "skink/host/files/files.hpp"

using namespace skink;
using Catch::Matchers::Contains;
using test::DatasetFolder;
using test::TemporaryFolder;

namespace {

constexpr std::size_t kRecords = 48;

std::vector<float> count_up(std::size_t values) {
  std::vector<float> numbers(values);
  for (std::size_t i = 0; i < values; ++i) numbers[i] = 0.5F * static_cast<float>(i);
  return numbers;
}

/// The error of the small data set with other files.
std::string error_with(const std::string& name, const std::string& content) {
  const TemporaryFolder folder;
  DatasetFolder().write(folder);
  folder.write(name, content);
  const Result<Dataset> dataset = Dataset::load(folder.path());
  REQUIRE(dataset.has_error());
  CHECK_THAT(dataset.error().message, Contains(folder.file(name) + ": "));
  return dataset.error().message;
}

Dataset described(const std::string& json) {
  const TemporaryFolder folder;
  DatasetFolder content;
  content.json = json;
  content.write(folder);
  return Dataset::load(folder.path()).value();
}

}  // namespace

TEST_CASE("dataset: times and targets are optional", "[host][dataset]") {
  const TemporaryFolder folder;
  DatasetFolder().write(folder);
  const Dataset plain = Dataset::load(folder.path()).value();
  CHECK_FALSE(plain.has_time());
  CHECK(plain.time_of(47) == 0);
  CHECK(plain.target_size() == 0);
  CHECK(plain.overlap() == 0);

  folder.write("time.npy", test::npy_of(count_up(kRecords), {kRecords}));
  folder.write("target.npy", test::npy_of(count_up(kRecords * 3), {kRecords, 3}));
  folder.write("dataset.json", R"({"target_names": ["t+1", "t+3", "t+6"], "overlap": 65535})");
  const Dataset full = Dataset::load(folder.path()).value();
  CHECK(full.has_time());
  CHECK(full.time_of(47) == 23.5F);
  REQUIRE(full.target_size() == 3);
  float target[3];
  full.read_target(47, target);
  CHECK(target[0] == 70.5F);
  CHECK(target[2] == 71.5F);
  CHECK(full.target_names() == std::vector<std::string>{"t+1", "t+3", "t+6"});
  CHECK(full.overlap() == 65535);
}

TEST_CASE("dataset: times and targets that do not belong to the records are refused", "[host][dataset]") {
  CHECK_THAT(error_with("time.npy", test::npy_of(count_up(47), {47})), Contains("has shape [47], but x.npy has 48"));
  CHECK_THAT(error_with("time.npy", test::npy_of(count_up(kRecords), {kRecords, 1})), Contains("wanted [48]"));
  CHECK_THAT(error_with("time.npy", test::npy_of(std::vector<std::int16_t>(48), {48})), Contains("wanted float32"));
  CHECK_THAT(error_with("time.npy", ""), Contains("not a NumPy .npy file"));
  std::vector<float> times = count_up(kRecords);
  times[7] = std::numeric_limits<float>::quiet_NaN();
  CHECK_THAT(error_with("time.npy", test::npy_of(times, {kRecords})), Contains("record 7 holds a number that is not"));

  std::vector<float> targets = count_up(kRecords * 2);
  CHECK_THAT(error_with("target.npy", test::npy_of(targets, {96})), Contains("wanted [48, 1..65535]"));
  CHECK_THAT(error_with("target.npy", test::npy_of(targets, {96, 1})), Contains("has shape [96, 1]"));
  CHECK_THAT(error_with("target.npy", test::npy_of(std::vector<float>(), {kRecords, 0})), Contains("wanted [48, 1.."));
  CHECK_THAT(error_with("target.npy", test::npy_of(std::vector<float>(65536 * kRecords), {kRecords, 65536})),
             Contains("wanted [48, 1..65535]"));
  targets[11] = std::numeric_limits<float>::infinity();
  CHECK_THAT(error_with("target.npy", test::npy_of(targets, {kRecords, 2})), Contains("record 5 holds a number"));
}

TEST_CASE("dataset: an optional file that cannot be read is an error, not absent", "[host][dataset]") {
  const TemporaryFolder folder;
  DatasetFolder().write(folder);
  std::filesystem::create_symlink("nowhere", folder.file("time.npy"));
  CHECK_THAT(Dataset::load(folder.path()).error().message, Contains("time.npy: cannot be read"));
}

TEST_CASE("dataset: scale and offset are one number, or one for each channel", "[host][dataset]") {
  CHECK(described("{}").scale() == std::vector<double>{1});
  CHECK(described("{}").offset() == std::vector<double>{0});
  const Dataset lists = described(R"({"scale": [0.5, 2e-3], "offset": [-1, 7]})");
  CHECK(lists.scale() == std::vector<double>{0.5, 2e-3});
  CHECK(lists.offset() == std::vector<double>{-1, 7});
  CHECK_THAT(error_with("dataset.json", R"({"scale": [1, 2, 3]})"),
             Contains("scale: wanted a number, or a list of 2, one for each channel; it has 3"));
  CHECK_THAT(error_with("dataset.json", R"({"scale": [1, 0]})"), Contains("scale: wanted a number other than 0"));
  CHECK_THAT(error_with("dataset.json", R"({"offset": [1, null]})"), Contains("offset: wanted a number"));
  CHECK_THAT(error_with("dataset.json", R"({"offset": [1, 1e999]})"), Contains("dataset.json: "));
  CHECK_THAT(error_with("dataset.json", R"({"offset": [1, [2]]})"), Contains("offset: wanted a number"));
}

TEST_CASE("dataset: clients and targets may have names", "[host][dataset]") {
  CHECK(described("{}").client_name(1) == "1");
  CHECK(described(R"({"client_names": []})").client_name(1) == "1");
  CHECK(described(R"({"client_names": ["Ann", "Bo"]})").client_name(1) == "Bo");
  CHECK(described(R"({"client_names": ["Ann", "Bo"]})").client_name(2) == "2");
  CHECK_THAT(error_with("dataset.json", R"({"client_names": ["Ann"]})"),
             Contains("client_names: has 1 names, client.npy has client 1"));
  CHECK_THAT(error_with("dataset.json", R"({"client_names": ["Ann", 2]})"),
             Contains("client_names: wanted a list of texts"));
  CHECK_THAT(error_with("dataset.json", R"({"target_names": ["a"]})"),
             Contains("target_names: has 1 names, there is no target.npy"));
  for (const char* wrong : {"-1", "65536", "1.5", "\"1\"", "[1]", "null"}) {
    CHECK_THAT(error_with("dataset.json", std::string(R"({"overlap": )") + wrong + "}"),
               Contains("overlap: wanted a whole number, 0..65535"));
  }
}

TEST_CASE("dataset: a description may begin with a byte order mark", "[host][dataset]") {
  CHECK(described("\xef\xbb\xbf{\"name\": \"marked\"}").name() == "marked");
  CHECK_THAT(error_with("dataset.json", "\xef\xbb{}"), Contains("not JSON"));
}

TEST_CASE("dataset: the fingerprint is the SHA-256 of names and bytes in the stated order", "[host][dataset]") {
  const TemporaryFolder folder;
  DatasetFolder().write(folder);
  const auto by_hand = [&folder](std::initializer_list<const char*> names) {
    std::string all;
    for (const char* name : names) all += name + read_file(folder.file(name)).value();
    char digits[2 * crypto::kDigestBytes + 1];
    crypto::to_hex(crypto::sha256(bytes_of(all)), digits);
    return std::string(digits);
  };
  const std::string plain = Dataset::load(folder.path()).value().fingerprint();
  CHECK(plain == by_hand({"x.npy", "class.npy", "client.npy", "split.npy", "dataset.json"}));
  // From hashlib.sha256(b"".join(name.encode() + open(name, "rb").read() for name in names)).hexdigest() in Python.
  CHECK(plain == "1aba2226d97fb77fdbd34b9a86e84d4c0c27a31832aff7da2db8ca76d75bb8a7");
  folder.write("notes.txt", "are not read");
  CHECK(Dataset::load(folder.path()).value().fingerprint() == plain);

  folder.write("time.npy", test::npy_of(count_up(kRecords), {kRecords}));
  folder.write("target.npy", test::npy_of(count_up(kRecords), {kRecords, 1}));
  CHECK(Dataset::load(folder.path()).value().fingerprint() ==
        by_hand({"x.npy", "class.npy", "client.npy", "split.npy", "time.npy", "target.npy", "dataset.json"}));
}
