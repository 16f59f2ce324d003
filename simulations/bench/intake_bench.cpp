#include "skink/simulations/intake_bench.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <random>
#include <stdexcept>
#include <thread>

#include "measure.hpp"
#include "skink/common/codec/encoder.hpp"
#include "skink/common/wire/messages.hpp"
#include "skink/host/program/workers.hpp"
#include "skink/rounds/aggregator.hpp"
#include "skink/rounds/strategy.hpp"
#include "sweep_memory.hpp"

namespace skink::simulations {
namespace {

using rounds::Aggregator;
using rounds::EncodedChange;

constexpr codec::Key kKey{1, 2, 0};
constexpr std::size_t kMainMemorySums = std::size_t{8} << 20;

/// What the devices of a cohort computed.
struct Changes {
  nn::Network network;
  std::vector<std::vector<float>> numbers;  ///< [cohort][P]
};

Changes make_changes(const BenchNet& net) {
  Changes changes;
  changes.network = make_network(net.model);
  std::mt19937 random(1);
  std::normal_distribution<float> normal(0.0F, 0.01F);
  changes.numbers.assign(net.cohort, std::vector<float>(changes.network.parameter_count()));
  for (auto& change : changes.numbers) std::generate(change.begin(), change.end(), [&] { return normal(random); });
  return changes;
}

Result<std::vector<std::uint8_t>> encode(const codec::Codec& codec, const nn::Network& network,
                                         const std::vector<float>& numbers) {
  codec::Change change;
  change.network = &network;
  change.parameters = {numbers.data(), numbers.size()};
  change.phi.read = [](void*, std::size_t, Span<float> out) {
    std::fill(out.begin(), out.end(), 0.0F);
    return Status::kOk;
  };
  const std::vector<float> nothing(network.trainable_count(), 0.0F);
  if (codec.error_feedback) change.residual = nothing.data();
  std::vector<std::uint32_t> state(codec::state_bytes(codec, network) / 4);
  codec::Encoder encoder;
  Status status = encoder.begin(codec, change, kKey, {reinterpret_cast<std::uint8_t*>(state.data()), 4 * state.size()});
  std::vector<std::uint8_t> bytes(status == Status::kOk ? encoder.size() : 0);
  if (status == Status::kOk) status = encoder.read(0, {bytes.data(), bytes.size()});
  if (status != Status::kOk) return make_error(status, "a change cannot be encoded");
  return bytes;
}

/// A line of the table: something that is done again and again.
class Line {
 public:
  explicit Line(std::string name) : what(std::move(name)) {}
  virtual ~Line() = default;
  virtual void pass(Workers& workers) = 0;
  virtual std::size_t updates_per_pass() const = 0;
  virtual double bytes_per_pass(std::uint32_t threads) const = 0;

  std::string what;
  std::vector<double> seconds;  ///< of a pass, in each repetition
};

/// Each update's numbers are read once, each worker's sums for each of its updates.
class SameMemory final : public Line {
 public:
  SameMemory(const Changes& changes, std::uint32_t threads)
      : Line("same memory"),
        changes_(changes),
        sums_(threads, std::vector<std::int64_t>(changes.network.parameter_count(), 0)) {}
  void pass(Workers& workers) override {
    workers.run(static_cast<std::uint32_t>(changes_.numbers.size()), [this](std::uint32_t worker, std::uint32_t part) {
      const std::vector<float>& numbers = changes_.numbers[part];
      sweep_memory({numbers.data(), numbers.size()}, sums_[worker].data());
    });
  }
  std::size_t updates_per_pass() const override { return changes_.numbers.size(); }
  double bytes_per_pass(std::uint32_t /*threads*/) const override {
    return 20.0 * static_cast<double>(changes_.numbers.size() * changes_.network.parameter_count());
  }

 private:
  const Changes& changes_;
  std::vector<std::vector<std::int64_t>> sums_;
};

class MainMemory final : public Line {
 public:
  explicit MainMemory(std::uint32_t threads)
      : Line("main memory"),
        numbers_(threads, std::vector<float>(kMainMemorySums, 1.0F)),
        sums_(threads, std::vector<std::int64_t>(kMainMemorySums, 0)) {}
  void pass(Workers& workers) override {
    workers.run(workers.count(), [this](std::uint32_t /*worker*/, std::uint32_t part) {
      sweep_memory({numbers_[part].data(), numbers_[part].size()}, sums_[part].data());
    });
  }
  std::size_t updates_per_pass() const override { return 0; }
  double bytes_per_pass(std::uint32_t threads) const override {
    return 20.0 * static_cast<double>(threads * kMainMemorySums);
  }

 private:
  std::vector<std::vector<float>> numbers_;
  std::vector<std::vector<std::int64_t>> sums_;
};

/// Messages of full chunks, opened as the core opens them: SHA-256 goes over every byte.
class Messages final : public Line {
 public:
  static Result<std::unique_ptr<Messages>> create(std::uint32_t count) {
    std::unique_ptr<Messages> messages(new Messages(count));
    wire::Update update;
    update.outcome = wire::Outcome::kAdapted;
    update.total_bytes = static_cast<std::uint32_t>(kChunkBytes);
    const wire::PayloadSource zeros{nullptr,
                                    [](void*, MutableBytes out) {
                                      std::fill(out.begin(), out.end(), std::uint8_t{0});
                                      return Status::kOk;
                                    },
                                    kChunkBytes};
    std::size_t written = 0;
    std::vector<std::uint8_t>& message = messages->message_;
    message.resize(kChunkBytes + 1024);
    const Status status =
        wire::encode_update(update, zeros, {"device-000", messages->key_}, {message.data(), message.size()}, written);
    if (status != Status::kOk) return make_error(status, "a message cannot be encoded");
    message.resize(written);
    return messages;
  }
  void pass(Workers& workers) override {
    workers.run(count_, [this](std::uint32_t /*worker*/, std::uint32_t /*part*/) {
      wire::Update update;
      Bytes payload;
      const Status status =
          wire::decode_update({message_.data(), message_.size()}, {"device-000", key_}, update, payload);
      if (status != Status::kOk) throw std::logic_error("a message that was encoded is not authentic");
    });
  }
  std::size_t updates_per_pass() const override { return 0; }
  double bytes_per_pass(std::uint32_t /*threads*/) const override {
    return static_cast<double>(count_ * message_.size());
  }

 private:
  static constexpr std::size_t kChunkBytes = 4096;
  explicit Messages(std::uint32_t count) : Line("messages"), count_(count) {}
  std::uint32_t count_;
  crypto::Key key_{};
  std::vector<std::uint8_t> message_;
};

class Intake final : public Line {
 public:
  static Result<std::unique_ptr<Intake>> create(const std::string& name, const Changes& changes, Workers& workers) {
    std::unique_ptr<Intake> intake(new Intake(name, changes, workers));
    if (!codec::parse(name.c_str(), intake->codec_)) {
      return make_error(Status::kInvalidArgument, "--codec: there is no codec '" + name + "' (docs/codec.md)");
    }
    for (const std::vector<float>& numbers : changes.numbers) {
      auto bytes = encode(intake->codec_, changes.network, numbers);
      if (!bytes) return bytes.error();
      intake->bytes_.push_back(std::move(*bytes));
    }
    for (const auto& bytes : intake->bytes_) intake->changes_.push_back({{bytes.data(), bytes.size()}, kKey, 1});
    return intake;
  }
  void pass(Workers& /*its own*/) override {
    aggregator_.reset();
    aggregator_.add(codec_, {changes_.data(), changes_.size()});
  }
  std::size_t updates_per_pass() const override { return changes_.size(); }
  double bytes_per_pass(std::uint32_t /*threads*/) const override {
    const std::size_t trainable = network_.trainable_count();
    const std::size_t sums = codec_.selects() ? codec::survivor_count(codec_, trainable) : trainable;
    double bytes = 16.0 * static_cast<double>(sums * bytes_.size());
    for (const auto& change : bytes_) bytes += static_cast<double>(change.size());
    return bytes;
  }
  /// After a pass: where a model of zeros would be.
  std::vector<float> model() {
    std::vector<float> parameters(network_.parameter_count(), 0.0F);
    const std::vector<std::int64_t> sums = aggregator_.sums();
    if (aggregator_.total_weight() == 0) return parameters;
    rounds::StrategyState none;
    rounds::make_strategy({})->step(network_, {1.0, {sums.data(), sums.size()}, aggregator_.total_weight()}, none,
                                    {parameters.data(), parameters.size()});
    return parameters;
  }

 private:
  Intake(const std::string& name, const Changes& changes, Workers& workers)
      : Line(name), network_(changes.network), aggregator_(changes.network, rounds::Executor::of(workers)) {}
  const nn::Network& network_;
  codec::Codec codec_;
  std::vector<std::vector<std::uint8_t>> bytes_;
  std::vector<EncodedChange> changes_;
  Aggregator aggregator_;
};

/// All lines of one number of threads.
class IntakeRace {
 public:
  IntakeRace(const IntakeOptions& options, const Changes& changes, std::uint32_t threads)
      : options_(options), changes_(changes), workers_(threads) {}

  /// @param[in,out] models  of each codec; empty: not known yet
  Result<void> run(std::vector<std::vector<float>>& models) {
    lines_.push_back(std::make_unique<SameMemory>(changes_, workers_.count()));
    lines_.push_back(std::make_unique<MainMemory>(workers_.count()));
    auto messages = Messages::create(options_.net.cohort);
    if (!messages) return messages.error();
    lines_.push_back(std::move(*messages));
    for (std::size_t i = 0; i < options_.codecs.size(); ++i) {
      auto intake = Intake::create(options_.codecs[i], changes_, workers_);
      if (!intake) return intake.error();
      (*intake)->pass(workers_);
      const std::vector<float> model = (*intake)->model();
      if (models.size() == i) models.push_back(model);
      if (models[i] != model) return make_error(Status::kInvalidArgument, options_.codecs[i] + ": other bits");
      lines_.push_back(std::move(*intake));
    }
    for (std::uint32_t repetition = 0; repetition < options_.repetitions; ++repetition) {
      for (const auto& line : lines_) measure(*line);
    }
    return {};
  }

  void add_rows(std::vector<IntakeRow>& rows) const {
    for (const auto& line : lines_) {
      IntakeRow row;
      row.what = line->what;
      row.threads = workers_.count();
      const double seconds = median(line->seconds);
      const auto updates = static_cast<double>(line->updates_per_pass());
      const double bytes = line->bytes_per_pass(row.threads);
      row.updates_per_second = updates / seconds;
      if (updates > 0) row.bytes_per_update = static_cast<std::size_t>(bytes / updates);
      row.bytes_per_second = bytes / seconds;
      row.ratio_to_same_memory = ratio(*line, *lines_[0]);
      row.ratio_to_main_memory = ratio(*line, *lines_[1]);
      rows.push_back(row);
    }
  }

 private:
  void measure(Line& line) {
    const double wanted = options_.seconds / options_.repetitions;
    std::uint32_t passes = 0;
    const double start = now(CLOCK_MONOTONIC);
    const double seconds = seconds_of(workers_.count(), [&] {
      do {
        line.pass(workers_);
        ++passes;
      } while (now(CLOCK_MONOTONIC) - start < wanted);
    });
    line.seconds.push_back(seconds / passes);
  }

  /// Of their bytes per second.
  double ratio(const Line& line, const Line& other) const {
    std::vector<double> ratios;
    for (std::size_t i = 0; i < line.seconds.size(); ++i) {
      ratios.push_back(line.bytes_per_pass(workers_.count()) / line.seconds[i] /
                       (other.bytes_per_pass(workers_.count()) / other.seconds[i]));
    }
    return median(std::move(ratios));
  }

  const IntakeOptions& options_;
  const Changes& changes_;
  Workers workers_;
  std::vector<std::unique_ptr<Line>> lines_;
};

}  // namespace

Result<std::vector<IntakeRow>> run_intake_bench(const IntakeOptions& options) {
  const Changes changes = make_changes(options.net);
  const std::uint32_t most = options.threads != 0 ? options.threads : std::max(1U, std::thread::hardware_concurrency());
  std::vector<std::uint32_t> counts{1};
  if (most > 1) counts.push_back(most);
  std::vector<IntakeRow> rows;
  std::vector<std::vector<float>> models;
  for (const std::uint32_t threads : counts) {
    if (options.on_progress) options.on_progress(fmt::format("{}, {} threads", options.net.name, threads));
    IntakeRace race(options, changes, threads);
    const auto ran = race.run(models);
    if (!ran) return ran.error();
    race.add_rows(rows);
  }
  return rows;
}

std::string to_table(const std::vector<IntakeRow>& rows) {
  std::string text = fmt::format("{:<20} {:>7} {:>12} {:>13} {:>7} {:>14} {:>14}\n", "codec", "threads", "updates/s",
                                 "bytes/update", "GB/s", "% same memory", "% main memory");
  for (const IntakeRow& row : rows) {
    const bool has_updates = row.updates_per_second > 0;
    text += fmt::format("{:<20} {:>7} {:>12} {:>13} {:>7.1f} {:>14.0f} {:>14.0f}\n", row.what, row.threads,
                        has_updates ? fmt::format("{:.0f}", row.updates_per_second) : "",
                        has_updates ? std::to_string(row.bytes_per_update) : "", row.bytes_per_second / 1e9,
                        100 * row.ratio_to_same_memory, 100 * row.ratio_to_main_memory);
  }
  return text;
}

}  // namespace skink::simulations
