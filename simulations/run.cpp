#include "skink/simulations/run.hpp"

#include "skink/host/files/files.hpp"

namespace skink::simulations {

std::string experiment_id(const std::string& text, const std::vector<Override>& overrides) {
  std::string all = text;
  for (const Override& setting : overrides) all += "\n--set " + setting.key + "=" + setting.value;
  char hex[2 * crypto::kDigestBytes + 1];
  crypto::to_hex(crypto::sha256(bytes_of(all)), hex);
  return hex;
}

void note_written(const RunOptions& options, const Result<void>& written, RunResult& result) {
  if (written || !result.written) return;
  result.written = written;
  if (options.on_trouble) options.on_trouble(written.error().message);
}

Result<RunResult> run_experiment(const RunOptions& options) {
  return options.engine == Engine::kLearning ? run_learning(options) : run_protocol(options);
}

}  // namespace skink::simulations
