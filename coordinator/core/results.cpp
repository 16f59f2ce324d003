#include "skink/coordinator/core/results.hpp"

#include "skink/common/host/files.hpp"

namespace skink::coordinator {

Result<void> write_model(const std::string& path, const Coordinator& coordinator) {
  const auto& file = coordinator.model_file();
  return write_file(path, text_of({file.data(), file.size()}));
}

Result<void> write_results(const std::string& folder, const Coordinator& coordinator, const Summary& summary,
                           const std::vector<RoundRecord>& rounds, const std::vector<EvaluationRecord>& evaluations) {
  Result<void> written = make_folder(folder);
  if (written) written = write_file(folder + "/summary.json", to_json(summary));
  if (written) written = write_file(folder + "/metrics.csv", metrics_csv(rounds, evaluations));
  if (written) written = write_model(folder + "/model.skm", coordinator);
  return written;
}

}  // namespace skink::coordinator
