#include <fmt/format.h>

#include <algorithm>
#include <boost/json.hpp>
#include <random>
#include <thread>

#include "contender.hpp"
#include "measure.hpp"
#include "protocol_bench.hpp"
#include "skink/simulations/bench.hpp"

namespace skink::simulations {
namespace {

constexpr std::uint32_t kBatchSize = 5;  // of the serial rounds with mini-batches

std::uint32_t most_threads(const BenchOptions& options) {
  return options.threads != 0 ? options.threads : std::max(1U, std::thread::hardware_concurrency());
}

BenchCase make_case(const BenchNet& net, std::uint32_t support_size) {
  BenchCase bench;
  bench.network = make_network(net.model);
  bench.phi = initial_parameters(net.model, 1);
  bench.devices = net.cohort;
  bench.support_size = support_size;
  bench.inner_learning_rate = 0.002F;
  std::mt19937 random(1);
  const auto uniform = [&random] { return static_cast<float>(random() >> 8) * 5.9604645e-8F; };
  bench.inputs.resize(std::size_t{bench.devices} * support_size * bench.network.input_size());
  for (float& input : bench.inputs) input = uniform() < net.density ? 0.5F + 0.5F * uniform() : 0.0F;
  bench.targets.resize(std::size_t{bench.devices} * support_size * bench.target_size());
  const auto classes = static_cast<float>(bench.network.output_size());
  const bool classifies = nn::has_labels(bench.network.loss());
  for (float& target : bench.targets) {
    target = classifies ? static_cast<float>(static_cast<int>(uniform() * classes)) : 2.0F * uniform() - 1.0F;
  }
  return bench;
}

/// A contender and its time for a device-round in each repetition.
struct Entry {
  std::unique_ptr<Contender> contender;
  std::uint32_t rounds = 1;  ///< in a repetition
  std::vector<double> seconds;
};

class Race {
 public:
  Race(const BenchOptions& options, const BenchNet& net, std::uint32_t support_size)
      : options_(options), net_(net), case_(make_case(net, support_size)) {
    const std::uint32_t cores = most_threads(options);
    const BenchRounds cohort;
    const BenchRounds serial{true, 1};
    const BenchRounds batches{true, kBatchSize};
    for (const BenchRounds& rounds : {cohort, serial, batches}) add(make_scalar_contender(case_, rounds));
    for (const LaneFunctions* functions : available_lanes()) {
      if (functions->lanes == 1 || !is_wanted(functions->name)) continue;
      for (const std::uint32_t threads :
           cores > 1 ? std::vector<std::uint32_t>{1, cores} : std::vector<std::uint32_t>{1}) {
        add(make_device_contender(case_, *functions, threads));
        add(make_neuron_contender(case_, *functions, threads, cohort));
      }
      add(make_neuron_contender(case_, *functions, 1, serial));
      add(make_neuron_contender(case_, *functions, 1, batches));
    }
  }

  Result<void> run() {
    for (Entry& entry : entries_) {
      const auto checked = prepare(entry);
      if (!checked) return checked.error();
    }
    for (std::uint32_t repetition = 0; repetition < options_.repetitions; ++repetition) {
      for (Entry& entry : entries_) {
        const double seconds = seconds_of(entry.contender->threads, [&entry] {
          for (std::uint32_t round = 0; round < entry.rounds; ++round) entry.contender->compute_round();
        });
        entry.seconds.push_back(seconds / entry.rounds / case_.devices);
      }
    }
    return {};
  }

  void add_rows(std::vector<BenchRow>& rows) const {
    const double operations = operations_per_device_round(case_.network, case_.support_size);
    for (const Entry& entry : entries_) {
      const Contender& contender = *entry.contender;
      BenchRow row;
      row.net = net_.name;
      row.support_size = case_.support_size;
      row.lanes = contender.lanes;
      row.isa = contender.isa;
      row.threads = contender.threads;
      row.is_serial = contender.rounds.is_serial;
      row.batch_size = contender.rounds.batch_size;
      row.device_rounds_per_second = 1 / median(entry.seconds);
      std::vector<double> ratios;
      for (std::size_t r = 0; r < entry.seconds.size(); ++r) {
        ratios.push_back(scalar(contender).seconds[r] / entry.seconds[r]);
      }
      row.ratio_to_scalar = median(ratios);
      const LaneFunctions& unit = contender.functions != nullptr ? *contender.functions : *available_lanes().back();
      row.fraction_of_peak = row.device_rounds_per_second * operations / peak_of(unit) / contender.threads;
      rows.push_back(row);
    }
  }

 private:
  /// The scalar code that computes the same.
  const Entry& scalar(const Contender& contender) const {
    return *std::find_if(entries_.begin(), entries_.end(), [&contender](const Entry& entry) {
      return entry.contender->rounds == contender.rounds;  // the scalar ones come first
    });
  }

  bool is_wanted(const std::string& isa) const {
    return options_.isas.empty() || std::find(options_.isas.begin(), options_.isas.end(), isa) != options_.isas.end();
  }

  void add(std::unique_ptr<Contender> contender) {
    Entry entry;
    entry.contender = std::move(contender);
    entries_.push_back(std::move(entry));
  }

  /// Compares a contender's sums with the scalar ones, and finds out how many rounds fill a repetition.
  Result<void> prepare(Entry& entry) const {
    const Contender& contender = *entry.contender;
    entry.contender->compute_round();
    if (contender.result() != scalar(contender).contender->result()) {
      return make_error(Status::kDamaged,
                        fmt::format("{}: {} lanes of {} on {} threads give another model than scalar code", net_.name,
                                    contender.lanes, contender.isa, contender.threads));
    }
    const double seconds = seconds_of(contender.threads, [&entry] { entry.contender->compute_round(); });
    const double wanted = options_.seconds / options_.repetitions / std::max(seconds, 1e-7);
    entry.rounds = static_cast<std::uint32_t>(std::clamp(wanted, 1.0, 1e6));
    return {};
  }

  const BenchOptions& options_;
  const BenchNet& net_;
  BenchCase case_;
  std::vector<Entry> entries_;
};

/// Compared with the scalar cohort, which is the first of the net's rows.
Result<void> add_protocol_rows(const BenchOptions& options, const BenchNet& net, std::uint32_t support_size,
                               const BenchRow& scalar, std::vector<BenchRow>& rows) {
  const std::optional<Experiment> experiment = protocol_case(net, support_size);
  if (!experiment) return {};
  const std::uint32_t most = most_threads(options);
  for (const std::uint32_t threads : most > 1 ? std::vector<std::uint32_t>{1, most} : std::vector<std::uint32_t>{1}) {
    auto row = measure_protocol(*experiment, threads, options);
    if (!row) return row.error();
    row->ratio_to_scalar = row->device_rounds_per_second / scalar.device_rounds_per_second;
    row->fraction_of_peak = scalar.fraction_of_peak * row->ratio_to_scalar / threads;
    rows.push_back(*row);
  }
  return {};
}

}  // namespace

Result<std::vector<BenchRow>> run_bench(const BenchOptions& options) {
  std::vector<BenchRow> rows;
  for (const BenchNet& net : options.nets) {
    for (const std::uint32_t support_size : options.support_sizes) {
      if (options.on_progress) options.on_progress(fmt::format("{}, K = {}", net.name, support_size));
      Race race(options, net, support_size);
      const auto ran = race.run();
      if (!ran) return ran.error();
      const std::size_t first = rows.size();
      race.add_rows(rows);
      const BenchRow scalar = rows[first];
      const auto added = add_protocol_rows(options, net, support_size, scalar, rows);
      if (!added) return added.error();
    }
  }
  return rows;
}

std::string to_json(const std::vector<BenchRow>& rows) {
  boost::json::array list;
  for (const BenchRow& row : rows) {
    list.push_back(boost::json::object{{"net", row.net},
                                       {"k", row.support_size},
                                       {"lanes", row.lanes},
                                       {"isa", row.isa},
                                       {"threads", row.threads},
                                       {"serial", row.is_serial},
                                       {"batch_size", row.batch_size},
                                       {"device_rounds_per_second", row.device_rounds_per_second},
                                       {"ratio_to_scalar", row.ratio_to_scalar},
                                       {"fraction_of_peak", row.fraction_of_peak}});
  }
  return boost::json::serialize(list) + "\n";
}

std::string to_table(const std::vector<BenchRow>& rows) {
  std::string text =
      fmt::format("{:<16} {:>4}  {:<7} {:>5} {:<8} {:<7} {:>7} {:>16} {:>9} {:>10}\n", "net", "K", "rounds", "batch",
                  "lanes", "isa", "threads", "device-rounds/s", "x scalar", "% of peak");
  for (const BenchRow& row : rows) {
    text += fmt::format("{:<16} {:>4}  {:<7} {:>5} {:<8} {:<7} {:>7} {:>16.0f} {:>9.1f} {:>10.1f}\n", row.net,
                        row.support_size, row.is_serial ? "serial" : "cohort", row.batch_size, row.lanes, row.isa,
                        row.threads, row.device_rounds_per_second, row.ratio_to_scalar, 100 * row.fraction_of_peak);
  }
  return text;
}

}  // namespace skink::simulations
