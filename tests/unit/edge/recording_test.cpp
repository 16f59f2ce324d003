#include "skink/edge/recording.hpp"

#include <catch2/catch.hpp>
#include <vector>

#include "skink/common/crc32.hpp"
#include "skink/common/little_endian.hpp"
#include "skink/edge/host/recorder.hpp"
#include "skink/edge/host/task_source.hpp"
#include "skink/host/experiment/experiment.hpp"

namespace skink::edge {
namespace {

constexpr const char* kSine = R"(name = "sine"
seed = 3
[model]
input = [1]
loss = "mean_squared_error"
layers = [{ type = "dense", units = 1 }]
[task]
source = "sine"
support_size = 6
query_size = 4
[meta]
strategy = "tinyreptile"
rounds = 5
cohort = 2
inner_learning_rate = 0.01
[evaluation]
tasks = 3
[fleet]
devices = 4
held_out = 1
)";

TaskGenerator generator() {
  const auto experiment = parse_experiment(kSine, "sine.toml");
  return TaskGenerator::create(experiment.value(), nullptr).value();
}

std::vector<std::uint8_t> record() {
  return record_tasks(generator(), {{3, 4, 1, TaskUse::kAdapt},
                                    {3, 0, 7, TaskUse::kEvaluate},
                                    {3, 2, 1, TaskUse::kAdapt},
                                    {3, recording::kAnyRound, 2, TaskUse::kAdapt}})
      .value();
}

Bytes view(const std::vector<std::uint8_t>& bytes) { return {bytes.data(), bytes.size()}; }

void check_same(const SampleSource& recorded, const TaskRequest& request, bool has_query) {
  TaskSource drawn(generator());
  const SampleSource source = drawn.source();
  SampleCounts counts;
  SampleCounts drawn_counts;
  REQUIRE(recorded.begin(recorded.context, request, counts) == Status::kOk);
  REQUIRE(source.begin(source.context, request, drawn_counts) == Status::kOk);
  CHECK(counts.support == drawn_counts.support);
  CHECK(counts.query == (has_query ? drawn_counts.query : 0));
  for (const SampleSet set : {SampleSet::kSupport, SampleSet::kQuery}) {
    for (std::uint32_t i = 0; i < (set == SampleSet::kSupport ? counts.support : counts.query); ++i) {
      float a[1];
      float b[1];
      REQUIRE(recorded.input(recorded.context, set, i, Span<float>(a)) == Status::kOk);
      REQUIRE(source.input(source.context, set, i, Span<float>(b)) == Status::kOk);
      CHECK(a[0] == b[0]);
      CHECK(recorded.target(recorded.context, set, i, 0) == source.target(source.context, set, i, 0));
    }
  }
}

TEST_CASE("recording: the samples are those that a host draws", "[edge][recording]") {
  auto bytes = record();
  bytes.resize(bytes.size() + 100, 0xff);  // a partition is larger than what it holds
  Recording recording;
  REQUIRE(recording.open(view(bytes)) == Status::kOk);
  CHECK(recording.tasks() == 4);
  CHECK(recording.input_size() == 1);
  const SampleSource source = recording.source();
  check_same(source, {3, 4, 1, false}, false);
  check_same(source, {3, 2, 1, false}, false);
  check_same(source, {3, 0, 7, true}, true);
  SampleCounts counts;
  CHECK(source.begin(source.context, {3, 4711, 2, false}, counts) == Status::kOk);
  CHECK(source.begin(source.context, {3, 3, 1, false}, counts) == Status::kUnavailable);
  CHECK(source.begin(source.context, {3, 4, 1, true}, counts) == Status::kUnavailable);
  float two[2];
  CHECK(source.input(source.context, SampleSet::kSupport, 0, Span<float>(two)) == Status::kShapeMismatch);
}

TEST_CASE("recording: who learns from the query set has it recorded", "[edge][recording]") {
  const auto bytes =
      record_tasks(generator(), {{3, 4, 1, TaskUse::kAdapt}, {3, 0, 7, TaskUse::kEvaluate}}, LearnsFrom::kQuery);
  REQUIRE(bytes.has_value());
  Recording recording;
  REQUIRE(recording.open(view(*bytes)) == Status::kOk);
  check_same(recording.source(), {3, 4, 1, false}, true);
  check_same(recording.source(), {3, 0, 7, true}, true);
}

TEST_CASE("recording: anything else than a whole one is refused", "[edge][recording]") {
  const auto bytes = record();
  Recording recording;
  const std::vector<std::uint8_t> erased(4096, 0xff);
  CHECK(recording.open(view(erased)) == Status::kUnavailable);
  for (std::size_t size = 0; size < bytes.size(); ++size) {
    REQUIRE(recording.open(view(bytes).first(size)) == Status::kTruncated);
  }
  for (std::size_t i = 0; i < bytes.size(); ++i) {
    auto damaged = bytes;
    damaged[i] ^= 0x10;
    CAPTURE(i);
    REQUIRE(recording.open(view(damaged)) != Status::kOk);
  }
}

TEST_CASE("recording: numbers that contradict each other are refused, whatever the CRC says", "[edge][recording]") {
  const auto [at, value] = GENERATE(table<std::size_t, std::uint32_t>({{12, 5000},  // tasks
                                                                       {16, 0},     // inputs
                                                                       {16, 1U << 30},
                                                                       {20, 3},         // bytes of an input
                                                                       {32 + 12, 100},  // support samples
                                                                       {32 + 16, 1U << 31},
                                                                       {32 + 20, 1U << 31}}));  // where they begin
  auto bytes = record();
  store_u32(bytes.data() + at, value);
  store_u32(bytes.data() + 8, crc32({bytes.data() + 12, bytes.size() - 12}));
  Recording recording;
  CAPTURE(at, value);
  CHECK(recording.open(view(bytes)) != Status::kOk);
}

TEST_CASE("recording: what its 32-bit offsets cannot reach is refused, not cut", "[edge][recording]") {
  std::string text = kSine;
  text.replace(text.find("support_size = 6"), 16, "support_size = 65535");
  const TaskGenerator large = TaskGenerator::create(parse_experiment(text, "sine.toml").value(), nullptr).value();
  std::vector<TaskKey> keys;
  for (std::uint32_t round = 0; round < 8192; ++round) keys.push_back({3, round, 1, TaskUse::kAdapt});
  const auto recorded = record_tasks(large, keys);  // 65535 samples of 8 bytes, 8192 times: 4 GiB
  REQUIRE(recorded.has_error());
  CHECK(recorded.error().code == Status::kInvalidArgument);
  CHECK_THAT(recorded.error().message, Catch::Contains("8192 tasks need more than 4 GiB"));
}

}  // namespace
}  // namespace skink::edge
