#include "skink/coordinator/results/results.hpp"

#include "skink/coordinator/results/figures.hpp"
#include "skink/host/files/files.hpp"

namespace skink::coordinator {

Result<void> write_model(const std::string& path, const std::vector<std::uint8_t>& model_file) {
  return write_file(path, text_of({model_file.data(), model_file.size()}));
}

Result<void> write_results(const std::string& folder, const RunState& state, const Summary& summary,
                           const rounds::RoundHistory& rounds) {
  Result<void> written = make_folder(folder);
  if (!written) return written;
  const auto note = [&written](const Result<void>& one) {
    if (written && !one) written = one;
  };
  // The model first, which costs most to compute again; what a full disk has no room for leaves room for others.
  note(write_model(folder + "/model.skm", state.model_file));
  MetricsTable metrics(rounds, state.evaluations, state.experiment.model.loss);
  note(write_parts(folder + "/metrics.csv", [&](std::string_view& part) { return metrics.next(part); }));
  const rounds::EvaluationRecord* const last = state.evaluations.empty() ? nullptr : &state.evaluations.back();
  if (last != nullptr && !last->reports.empty()) {
    note(write_file(folder + "/devices.csv", devices_csv(last->reports, state.experiment, state.roster)));
  } else if (last == nullptr || last->figures.units == 0) {  // that of an evaluation before
    note(remove_file(folder + "/devices.csv"));
  }
  // The last: whoever finds it finds the others.
  if (written) written = write_file(folder + "/summary.json", to_json(summary));
  return written;
}

}  // namespace skink::coordinator
