#include "skink/edge/host/recorder.hpp"

#include <algorithm>
#include <limits>
#include <string>
#include <tuple>

#include "skink/common/crc32.hpp"
#include "skink/common/little_endian.hpp"
#include "skink/edge/recording.hpp"

namespace skink::edge {
namespace {

struct Recorded {
  TaskKey key;
  std::uint32_t support = 0;
  std::uint32_t query = 0;
  std::vector<float> inputs;
  std::vector<float> targets;
};

bool has_query(const TaskKey& key, LearnsFrom from) {
  return key.use == TaskUse::kEvaluate || from == LearnsFrom::kQuery;
}

Recorded read(const TaskGenerator& generator, const TaskKey& key, LearnsFrom from) {
  const Task task = generator.draw(key);
  const std::uint32_t query = has_query(key, from) ? task.query_count() : 0;
  Recorded recorded{key, task.support_count(), query, {}, {}};
  const std::size_t samples = std::size_t{recorded.support} + recorded.query;
  recorded.targets.resize(samples * generator.target_size());
  recorded.inputs.resize(samples * generator.input_size());
  const std::size_t inputs = recorded.support * generator.input_size();
  const std::size_t targets = recorded.support * generator.target_size();
  task.read_set(TaskSet::kSupport, {recorded.inputs.data(), inputs}, {recorded.targets.data(), targets});
  if (query == 0) return recorded;
  task.read_set(TaskSet::kQuery, {recorded.inputs.data() + inputs, recorded.inputs.size() - inputs},
                {recorded.targets.data() + targets, recorded.targets.size() - targets});
  return recorded;
}

bool is_byte(float value) { return value >= 0 && value <= 255 && value == static_cast<float>(static_cast<int>(value)); }

void append_u32(std::vector<std::uint8_t>& out, std::uint32_t value) {
  out.resize(out.size() + 4);
  store_u32(out.data() + out.size() - 4, value);
}

void append_float(std::vector<std::uint8_t>& out, float value) {
  out.resize(out.size() + 4);
  store_float(out.data() + out.size() - 4, value);
}

std::size_t sample_bytes(const TaskGenerator& generator, bool as_bytes) {
  const std::size_t inputs = generator.input_size() * (as_bytes ? 1 : sizeof(float));
  return (inputs + 3) / 4 * 4 + generator.target_size() * sizeof(float);
}

Error too_large(const std::string& why) {
  return make_error(Status::kInvalidArgument, "the recording would be too large: " + why);
}

/// What Recording::open() would refuse, and lengths that its offsets do not reach.
Result<void> check_sizes(const TaskGenerator& generator, const std::vector<TaskKey>& keys, LearnsFrom from,
                         bool as_bytes) {
  const std::size_t inputs = generator.input_size();
  if (inputs > recording::kMaxInputs) {
    return too_large(std::to_string(inputs) + " inputs a sample, at most " + std::to_string(recording::kMaxInputs));
  }
  std::uint64_t bytes = recording::kHeaderBytes;
  for (const TaskKey& key : keys) {
    const std::uint64_t support = generator.most_support(key.use);
    const std::uint64_t query = has_query(key, from) ? generator.most_query(key.use) : 0;
    const std::uint64_t samples = std::max(support, query);
    if (samples > recording::kMaxSamples) {
      return too_large(std::to_string(samples) + " samples in a set, at most " +
                       std::to_string(recording::kMaxSamples));
    }
    bytes += recording::kTaskBytes + (support + query) * sample_bytes(generator, as_bytes);
  }
  if (bytes <= std::numeric_limits<std::uint32_t>::max()) return {};
  return too_large(std::to_string(keys.size()) + " tasks need more than 4 GiB; record fewer rounds (meta.rounds)");
}

void append_samples(const Recorded& task, const TaskGenerator& generator, bool as_bytes,
                    std::vector<std::uint8_t>& out) {
  const std::size_t inputs = generator.input_size();
  const std::size_t targets = generator.target_size();
  const std::size_t samples = std::size_t{task.support} + task.query;
  for (std::size_t s = 0; s < samples; ++s) {
    for (std::size_t i = 0; i < inputs; ++i) {
      const float value = task.inputs[s * inputs + i];
      if (as_bytes) {
        out.push_back(static_cast<std::uint8_t>(value));
      } else {
        append_float(out, value);
      }
    }
    while (out.size() % 4 != 0) out.push_back(0);
    for (std::size_t o = 0; o < targets; ++o) append_float(out, task.targets[s * targets + o]);
  }
}

}  // namespace

Result<std::vector<std::uint8_t>> record_tasks(const TaskGenerator& generator, std::vector<TaskKey> keys,
                                               LearnsFrom from) {
  Result<void> fits = check_sizes(generator, keys, from, true);  // before anything is drawn
  if (!fits) return fits.error();
  const auto order = [](const TaskKey& key) { return std::tuple(key.use, key.round, key.number); };
  std::sort(keys.begin(), keys.end(), [&](const TaskKey& a, const TaskKey& b) { return order(a) < order(b); });
  std::vector<Recorded> tasks;
  tasks.reserve(keys.size());
  for (const TaskKey& key : keys) tasks.push_back(read(generator, key, from));
  const bool as_bytes = std::all_of(tasks.begin(), tasks.end(), [](const Recorded& task) {
    return std::all_of(task.inputs.begin(), task.inputs.end(), is_byte);
  });
  if (!as_bytes) fits = check_sizes(generator, keys, from, false);
  if (!fits) return fits.error();
  const std::size_t inputs = generator.input_size();

  std::vector<std::uint8_t> out;
  for (const std::uint32_t word :
       {recording::kMagic, 0U, 0U, static_cast<std::uint32_t>(tasks.size()), static_cast<std::uint32_t>(inputs),
        as_bytes ? 1U : 4U, static_cast<std::uint32_t>(generator.target_size()), 0U}) {
    append_u32(out, word);
  }
  std::size_t offset = recording::kHeaderBytes + tasks.size() * recording::kTaskBytes;
  for (const Recorded& task : tasks) {
    append_u32(out, task.key.use == TaskUse::kEvaluate ? 1 : 0);
    append_u32(out, task.key.round);
    append_u32(out, task.key.number);
    append_u32(out, task.support);
    append_u32(out, task.query);
    append_u32(out, static_cast<std::uint32_t>(offset));
    offset += (std::size_t{task.support} + task.query) * sample_bytes(generator, as_bytes);
  }
  for (const Recorded& task : tasks) append_samples(task, generator, as_bytes, out);
  store_u32(out.data() + 4, static_cast<std::uint32_t>(out.size()));
  store_u32(out.data() + 8, crc32({out.data() + 12, out.size() - 12}));
  return out;
}

}  // namespace skink::edge
