#include <algorithm>
#include <chrono>
#include <limits>

#include "bench/measure.hpp"
#include "skink/host/experiment/layer_text.hpp"
#include "skink/simulations/bench.hpp"
#include "skink/simulations/profile.hpp"

namespace skink::simulations {
namespace {

using Clock = std::chrono::steady_clock;

constexpr int kSlices = 5;  // with the clock, and as many without

double seconds_since(Clock::time_point start) { return std::chrono::duration<double>(Clock::now() - start).count(); }

/// A slice of an experiment.
struct Slice {
  RunResult result;
  double nanoseconds = 0;  ///< a device-round
};

class Profiler {
 public:
  explicit Profiler(const ProfileOptions& options)
      : options_(options.run),
        seconds_(options.seconds / (2 * kSlices + 1)),
        network_(make_network(experiment().model)) {
    options_.out_dir.clear();
    options_.threads = 1;
    options_.peers = nullptr;
    options_.on_progress = nullptr;
    Experiment& experiment = options_.experiment;
    experiment.evaluation.every = experiment.evaluation.tasks = experiment.evaluation.final_tasks = 0;
    experiment.evaluation.says_tasks = experiment.evaluation.says_final_tasks = true;
    experiment.init = {};  // of no influence on times
    experiment.meta.rounds = std::numeric_limits<std::int32_t>::max();
  }

  Result<Profile> run() {
    const auto dataset = load_dataset(experiment().task, options_.data_dir);
    if (!dataset) return dataset.error();
    options_.dataset = *dataset;
    if (!experiment().task.support_size.is_count()) {
      return make_error(Status::kInvalidArgument,
                        "[task] support_size: a profile is of devices with equally many samples: write a number",
                        Cause::kConfiguration);
    }
    const auto warm = compute(nullptr);
    if (!warm) return warm.error();
    std::vector<double> plain;
    std::vector<double> timed;
    StageClock clock(network_.layers().size());
    std::uint64_t device_rounds = 0;
    const Clock::time_point start = Clock::now();
    const std::uint64_t first_tick = StageClock::now();
    for (int slice = 0; slice < kSlices; ++slice) {
      plain.push_back(compute(nullptr)->nanoseconds);
      const auto clocked = compute(&clock);
      timed.push_back(clocked->nanoseconds);
      device_rounds += clocked->result.summary.traffic.device_rounds;
    }
    const double nanoseconds_per_tick =
        1e9 * seconds_since(start) / static_cast<double>(StageClock::now() - first_tick);
    Profile profile;
    profile.experiment = experiment().name;
    profile.isa = warm->result.isa;
    profile.lanes = warm->result.lanes;
    profile.passes = experiment().meta.passes;
    profile.nanoseconds = median(plain);
    profile.timed_nanoseconds = median(timed);
    add_rows(clock, nanoseconds_per_tick / static_cast<double>(device_rounds), profile);
    return profile;
  }

 private:
  const Experiment& experiment() const { return options_.experiment; }

  Result<Slice> compute(StageClock* clock) {
    const Clock::time_point start = Clock::now();
    options_.clock = clock;
    options_.stop = [start, this] { return seconds_since(start) > seconds_; };
    auto result = run_learning(options_);
    if (!result) return result.error();
    Slice slice;
    slice.nanoseconds = 1e9 * result->summary.wall_seconds / static_cast<double>(result->summary.traffic.device_rounds);
    slice.result = std::move(*result);
    return slice;
  }

  /// Ticks that a lap takes itself.
  static double cost_of_lap() {
    constexpr int kLaps = 100000;
    StageClock clock(0);
    clock.start();
    for (int i = 0; i < kLaps; ++i) clock.lap(kOther);
    return static_cast<double>(clock.ticks()[kOther]) / kLaps;
  }

  void add_rows(const StageClock& clock, double scale, Profile& profile) {
    const double cost = cost_of_lap();
    const auto nanoseconds = [&](std::uint32_t stage) {
      return std::max(0.0,
                      static_cast<double>(clock.ticks()[stage]) - cost * static_cast<double>(clock.laps()[stage])) *
             scale;
    };
    const auto add = [&](const std::string& name, std::uint32_t stage, double operations) {
      if (clock.laps()[stage] == 0) return;
      ProfileRow row;
      row.stage = name;
      row.nanoseconds = nanoseconds(stage);
      if (row.nanoseconds > 0) row.gigaflops = operations / row.nanoseconds;
      profile.rows.push_back(row);
    };
    const double steps = static_cast<double>(samples_of_round(profile));
    add("draw tasks and orders", kDraw, 0);
    add("read and arrange samples", kSamples, 0);
    add("copy phi", kCopy, 0);
    const auto& layers = network_.layers();
    for (std::size_t l = 0; l < layers.size(); ++l) {
      add("forward  " + layer_text(layers[l].spec), forward_stage(l), steps * forward_operations(layers[l]));
    }
    add("loss", kLoss, 0);
    for (std::size_t l = layers.size(); l-- > 0;) {
      add("backward " + layer_text(layers[l].spec), backward_stage(l), steps * backward_operations(layers[l]));
    }
    add("aggregate", kTake, 0);
    add("step of the coordinator", kStep, 0);
    add("cohorts, records", kOther, 0);
    double all = 0;
    for (const ProfileRow& row : profile.rows) all += row.nanoseconds;
    const LaneFunctions* functions = find_lanes(profile.isa);
    const double peak = peak_of(*functions) * 1e-9;
    for (ProfileRow& row : profile.rows) {
      row.share = row.nanoseconds / all;
      row.fraction_of_peak = row.gigaflops / peak;
    }
  }

  std::uint32_t samples_of_round(Profile& profile) const {
    profile.support_count = static_cast<std::uint32_t>(support_samples(experiment()));
    return profile.support_count * experiment().meta.passes;
  }

  RunOptions options_;
  double seconds_;  // of a slice
  nn::Network network_;
};

}  // namespace

Result<Profile> run_profile(const ProfileOptions& options) { return Profiler(options).run(); }

}  // namespace skink::simulations
