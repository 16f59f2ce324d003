#include "contender.hpp"

#include <algorithm>

#include "learning/group.hpp"
#include "learning/neuron_device.hpp"
#include "skink/common/arithmetic/fixed_point.hpp"
#include "skink/common/nn/training.hpp"
#include "skink/host/program/workers.hpp"

namespace skink::simulations {
namespace {

constexpr double kMetaLearningRate = 0.3;  // of serial rounds

std::vector<std::int64_t> bits_of(const std::vector<float>& values) {
  std::vector<std::int64_t> bits(values.size());
  std::transform(values.begin(), values.end(), bits.begin(), &arithmetic::RealTraits<float>::to_bits);
  return bits;
}

class ScalarContender final : public Contender {
 public:
  ScalarContender(const BenchCase& bench, const BenchRounds& computed)
      : bench_(bench),
        phi_(bench.phi),
        parameters_(bench.phi.size()),
        samples_(computed.batch_size * bench.network.sample_count()),
        scratch_(bench.network.scratch_count()),
        gradients_(computed.batch_size > 1 ? bench.phi.size() : 0),
        sums_(bench.phi.size()) {
    lanes = "scalar";
    isa = "scalar";
    rounds = computed;
  }

  void compute_round() override {
    std::fill(sums_.begin(), sums_.end(), 0);
    phi_ = bench_.phi;
    for (std::uint32_t device = 0; device < bench_.devices; ++device) {
      adapt(device);
      rounds.is_serial ? step() : add();
    }
  }

  std::vector<std::int64_t> result() const override { return rounds.is_serial ? bits_of(phi_) : sums_; }

 private:
  void add() {
    for (std::size_t e = 0; e < sums_.size(); ++e) sums_[e] += arithmetic::to_fixed_point(parameters_[e] - phi_[e]);
  }

  void step() {
    for (std::size_t e = 0; e < phi_.size(); ++e) {
      const std::int64_t change = arithmetic::to_fixed_point(parameters_[e] - phi_[e]);
      phi_[e] = arithmetic::outer_step(phi_[e], kMetaLearningRate, arithmetic::mean_of_fixed_point(change, 1));
    }
  }

  void adapt(std::uint32_t device) {
    std::copy(phi_.begin(), phi_.end(), parameters_.begin());
    const std::size_t begin = device * std::size_t{bench_.support_size};
    for (std::size_t s = 0; s < bench_.support_size; s += rounds.batch_size) {
      learn(begin + s, std::min<std::size_t>(rounds.batch_size, bench_.support_size - s));
    }
  }

  /// A step on `count` samples.
  void learn(std::size_t first, std::size_t count) {
    const std::size_t inputs = bench_.network.input_size();
    for (std::size_t s = 0; s < count; ++s) {
      std::copy_n(bench_.inputs.data() + (first + s) * inputs, inputs,
                  samples_.begin() + static_cast<std::ptrdiff_t>(s * bench_.network.sample_count()));
    }
    const Wanted wanted{bench_.targets.data() + first * bench_.target_size(), bench_.target_size()};
    const nn::Targets targets{&wanted, &target};
    const Span<float> parameters{parameters_.data(), parameters_.size()};
    const Span<float> samples{samples_.data(), samples_.size()};
    const Span<float> scratch{scratch_.data(), scratch_.size()};
    if (rounds.batch_size == 1) {
      (void)nn::online_step(bench_.network, parameters, bench_.inner_learning_rate, samples, targets, scratch);
    } else {
      (void)nn::batch_step(bench_.network, parameters, bench_.inner_learning_rate, samples, count, targets,
                           {gradients_.data(), gradients_.size()}, scratch);
    }
  }

  struct Wanted {
    const float* targets;
    std::size_t size;  ///< of a sample
  };
  static float target(const void* context, std::size_t sample, std::size_t output) {
    const auto* wanted = static_cast<const Wanted*>(context);
    return wanted->targets[sample * wanted->size + output];
  }

  const BenchCase& bench_;
  std::vector<float> phi_;
  std::vector<float> parameters_;
  std::vector<float> samples_;  // [batch_size][sample_count]
  std::vector<float> scratch_;
  std::vector<float> gradients_;
  std::vector<std::int64_t> sums_;
};

/// Samples lie in the lanes already.
class DeviceContender final : public Contender {
 public:
  DeviceContender(const BenchCase& bench, const LaneFunctions& lane_functions, std::uint32_t thread_count)
      : bench_(bench),
        groups_((bench.devices + lane_functions.lanes - 1) / lane_functions.lanes),
        workers_(thread_count) {
    lanes = "device";
    isa = lane_functions.name;
    threads = workers_.count();  // the system may have given fewer
    functions = &lane_functions;
    for (std::uint32_t group = 0; group < groups_.size(); ++group) fill(group);
    for (std::uint32_t worker = 0; worker < thread_count; ++worker) {
      benches_.push_back(std::make_unique<Workbench>(bench, lane_functions));
    }
  }

  void compute_round() override {
    for (auto& bench : benches_) bench->sums.reset();
    workers_.run(static_cast<std::uint32_t>(groups_.size()),
                 [this](std::uint32_t worker, std::uint32_t group) { adapt(*benches_[worker], group); });
    for (std::size_t worker = 1; worker < benches_.size(); ++worker) benches_[0]->sums.add(benches_[worker]->sums);
  }

  std::vector<std::int64_t> result() const override {
    std::vector<std::int64_t> all(bench_.phi.size());
    for (std::size_t e = 0; e < all.size(); ++e) all[e] = benches_[0]->sums.total(e);
    return all;
  }

 private:
  struct Samples {
    LaneBuffer inputs;
    LaneBuffer targets;
  };
  struct Workbench {
    Workbench(const BenchCase& bench, const LaneFunctions& functions) : sums(bench.phi.size(), functions.sum_lanes) {
      parameters.resize(bench.phi.size() * functions.lanes);
      workspace.resize(bench.network.sample_count() * functions.lanes);
      scratch.resize(bench.network.scratch_count() * functions.lanes);
    }
    LaneBuffer parameters;
    LaneBuffer workspace;
    LaneBuffer scratch;
    RoundSums sums;
  };

  std::uint32_t count(std::uint32_t group) const {
    return std::min(functions->lanes, bench_.devices - group * functions->lanes);
  }

  void fill(std::uint32_t group) {
    fill(bench_.inputs, bench_.support_size * bench_.network.input_size(), group, groups_[group].inputs);
    fill(bench_.targets, bench_.support_size * bench_.target_size(), group, groups_[group].targets);
  }

  /// The numbers of each device of a group, into its lane; lanes without a device get those of the first.
  void fill(const std::vector<float>& numbers, std::size_t each, std::uint32_t group, LaneBuffer& out) const {
    const std::size_t width = functions->lanes;
    out.resize(each * width);
    for (std::size_t k = 0; k < width; ++k) {
      const std::size_t device = group * width + (k < count(group) ? k : 0);
      for (std::size_t i = 0; i < each; ++i) out.data()[i * width + k] = numbers[device * each + i];
    }
  }

  void adapt(Workbench& bench, std::uint32_t group) {
    functions->spread(bench_.phi.data(), bench_.phi.size(), bench.parameters.data());
    LanePass pass;
    pass.network = &bench_.network;
    pass.parameters = bench.parameters.data();
    pass.workspace = bench.workspace.data();
    pass.scratch = bench.scratch.data();
    pass.inputs = groups_[group].inputs.data();
    pass.targets = groups_[group].targets.data();
    pass.count = bench_.support_size;
    pass.inner_learning_rate = bench_.inner_learning_rate;
    functions->adapt(pass);
    LaneTake take;
    take.count = bench_.phi.size();
    take.parameters = bench.parameters.data();
    take.phi = bench_.phi.data();
    take.wanted = (1U << count(group)) - 1U;
    take.sums = bench.sums.rows();
    functions->take(take);
  }

  const BenchCase& bench_;
  std::vector<Samples> groups_;
  Workers workers_;
  std::vector<std::unique_ptr<Workbench>> benches_;
};

/// Devices are shared out among the threads.
class NeuronContender final : public Contender {
 public:
  NeuronContender(const BenchCase& bench, const LaneFunctions& lane_functions, std::uint32_t thread_count,
                  const BenchRounds& computed)
      : bench_(bench), workers_(thread_count) {
    rounds = computed;
    lanes = "neuron";
    isa = lane_functions.name;
    threads = workers_.count();  // the system may have given fewer
    functions = &lane_functions;
    for (std::uint32_t worker = 0; worker < thread_count; ++worker) {
      devices_.push_back(std::make_unique<Workbench>(bench.network, lane_functions));
    }
    arrange_inputs();
  }

  void compute_round() override {
    for (auto& workbench : devices_) workbench->begin(bench_.phi);
    if (rounds.is_serial) {
      for (std::uint32_t device = 0; device < bench_.devices; ++device) {
        adapt(devices_[0]->device, device);
        devices_[0]->device.step(kMetaLearningRate, 1);
      }
      return;
    }
    workers_.run((bench_.devices + kPart - 1) / kPart, [this](std::uint32_t worker, std::uint32_t part) {
      const std::uint32_t end = std::min(bench_.devices, (part + 1) * kPart);
      for (std::uint32_t device = part * kPart; device < end; ++device) {
        Workbench& workbench = *devices_[worker];
        adapt(workbench.device, device);
        (void)workbench.device.take(workbench.sums.data());
        workbench.device.reset();
      }
    });
  }

  std::vector<std::int64_t> result() const override {
    if (rounds.is_serial) {
      std::vector<float> phi(bench_.phi.size());
      devices_[0]->device.store(phi.data());
      return bits_of(phi);
    }
    std::vector<std::int64_t> all(bench_.phi.size(), 0);
    for (const auto& workbench : devices_) {
      const auto& places = workbench->device.layout().places();
      for (std::size_t e = 0; e < all.size(); ++e) all[e] += workbench->sums[places[e]];
    }
    return all;
  }

 private:
  static constexpr std::uint32_t kPart = 8;

  struct Workbench {
    Workbench(const nn::Network& network, const LaneFunctions& functions)
        : device(network, functions), sums(device.layout().primary_size()) {}
    void begin(const std::vector<float>& phi) {
      device.load(phi.data());
      std::fill(sums.begin(), sums.end(), 0);
    }
    NeuronDevice device;
    std::vector<std::int64_t> sums;
  };

  void arrange_inputs() {
    const std::size_t stride = devices_[0]->device.layout().input_stride();
    const std::size_t size = bench_.network.input_size();
    const std::size_t samples = std::size_t{bench_.devices} * bench_.support_size;
    inputs_.resize(samples * stride);
    std::fill_n(inputs_.data(), inputs_.size(), 0.0F);
    for (std::size_t s = 0; s < samples; ++s) {
      std::copy_n(bench_.inputs.data() + s * size, size, inputs_.data() + s * stride);
    }
  }

  void adapt(NeuronDevice& device, std::uint32_t number) {
    const std::size_t first = number * std::size_t{bench_.support_size};
    device.adapt(inputs_.data() + first * device.layout().input_stride(),
                 bench_.targets.data() + first * bench_.target_size(), bench_.support_size,
                 {bench_.inner_learning_rate, rounds.batch_size, 0});
  }

  const BenchCase& bench_;
  Workers workers_;
  std::vector<std::unique_ptr<Workbench>> devices_;
  LaneBuffer inputs_;
};

}  // namespace

std::size_t BenchCase::target_size() const { return nn::has_labels(network.loss()) ? 1 : network.output_size(); }

std::unique_ptr<Contender> make_scalar_contender(const BenchCase& bench, const BenchRounds& rounds) {
  return std::make_unique<ScalarContender>(bench, rounds);
}

std::unique_ptr<Contender> make_neuron_contender(const BenchCase& bench, const LaneFunctions& functions,
                                                 std::uint32_t threads, const BenchRounds& rounds) {
  return std::make_unique<NeuronContender>(bench, functions, threads, rounds);
}

std::unique_ptr<Contender> make_device_contender(const BenchCase& bench, const LaneFunctions& functions,
                                                 std::uint32_t threads) {
  return std::make_unique<DeviceContender>(bench, functions, threads);
}

}  // namespace skink::simulations
