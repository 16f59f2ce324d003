#include "store_commands.hpp"

#include <cstdio>

#include "failure.hpp"
#include "skink/coordinator/results/summary.hpp"
#include "skink/host/files/files.hpp"
#include "skink/host/program/printable.hpp"

namespace skink::ctl {
namespace {

/// docs/protocol.md, section 3; hosts do not say.
const char* reset_text(std::uint32_t reason) {
  constexpr const char* kTexts[] = {"-", "power", "software", "watchdog", "fault"};
  return reason < std::size(kTexts) ? kTexts[reason] : "?";
}

}  // namespace

int show_stored_status(const coordinator::Store& store) {
  const auto snapshot = store.load();
  if (!snapshot) return fail(ExitCode::kStore, snapshot.error().message);
  const auto experiment = parse_experiment(snapshot->experiment_text, "stored experiment", snapshot->overrides);
  if (!experiment) return fail(ExitCode::kStore, experiment.error().message);
  const auto rounds = store.rounds();
  const auto refusals = store.refusals();
  if (!rounds || !refusals) return fail(ExitCode::kStore, (rounds ? refusals.error() : rounds.error()).message);
  const char* state = snapshot->finished ? "finished" : snapshot->roster.empty() ? "waiting for the fleet" : "running";
  std::printf("run          %llu of '%s', %s\n", static_cast<unsigned long long>(snapshot->run),
              experiment->name.c_str(), state);
  std::printf("rounds       %u of %u\n", snapshot->rounds_done, experiment->meta.rounds);
  std::printf("devices      %zu in the roster, %u held out\n", snapshot->roster.size(), experiment->fleet.held_out);
  std::printf("traffic      %llu device-rounds, %llu bytes up, %llu bytes down\n",
              static_cast<unsigned long long>(snapshot->traffic.device_rounds),
              static_cast<unsigned long long>(snapshot->traffic.uplink_bytes),
              static_cast<unsigned long long>(snapshot->traffic.downlink_bytes));
  if (!snapshot->evaluations.empty()) {
    const auto& last = snapshot->evaluations.back();
    std::printf("evaluation   after %u rounds, %llu unseen tasks", last.rounds,
                static_cast<unsigned long long>(last.total.tasks));
    if (last.total.query_samples == 0) {
      std::printf(": no held-out device answered");
    } else {
      std::printf(": loss %s", coordinator::loss_text(last).c_str());
      if (nn::has_labels(experiment->model.loss)) {
        std::printf(", accuracy %s", coordinator::accuracy_text(last).c_str());
      }
    }
    std::printf("\n");
  }
  if (!rounds->empty()) std::printf("model        %s\n", rounds->back().model_sha256.c_str());
  for (const auto& row : *refusals) {
    std::printf("refused      %llu %s\n", static_cast<unsigned long long>(row.count), row.reason.c_str());
  }
  std::printf("transcript   %zu events\n", snapshot->transcript.size());
  for (const auto& event : snapshot->transcript) {
    std::printf("             round %u slot %u: %s, device index %u, attempt %u (%s) %s\n", event.round, event.slot,
                coordinator::event_text(event.kind), event.device_index, event.attempt,
                wire::refusal_text(event.reason), printable(event.detail).c_str());
  }
  return kOk;
}

int show_stored_devices(const coordinator::Store& store) {
  const auto rows = store.devices();
  if (!rows) return fail(ExitCode::kStore, rows.error().message);
  std::printf("%-24s %-8s %-24s %9s %9s %9s %-9s %-8s %s\n", "device", "state", "firmware", "arena, B", "free, B",
              "stack, B", "reset by", "battery", "last seen");
  for (const auto& row : *rows) {
    const std::string battery = row.battery_percent > 100 ? "mains" : std::to_string(row.battery_percent) + " %";
    std::printf("%-24s %-8s %-24s %9u %9u %9u %-9s %-8s %s\n", row.id.c_str(), row.online ? "online" : "offline",
                printable(row.firmware).c_str(), row.arena_bytes, row.free_bytes, row.stack_used_bytes,
                reset_text(row.reset_reason), battery.c_str(), row.last_seen.c_str());
  }
  return kOk;
}

int show_stored_rounds(const coordinator::Store& store, std::size_t last) {
  const auto rows = store.rounds();
  if (!rows) return fail(ExitCode::kStore, rows.error().message);
  std::printf("%8s %8s %9s %8s %9s %10s %9s  %s\n", "round", "updates", "diverged", "refused", "replaced", "rate", "ms",
              "model");
  const std::size_t first = last != 0 && rows->size() > last ? rows->size() - last : 0;
  for (std::size_t i = first; i < rows->size(); ++i) {
    const auto& row = (*rows)[i];
    std::printf("%8u %8u %9u %8u %9u %10.6f %9llu  %s\n", row.round, row.updates, row.diverged, row.refused,
                row.replaced, row.meta_learning_rate, static_cast<unsigned long long>(row.duration_ms),
                row.model_sha256.c_str());
  }
  return kOk;
}

int export_stored_model(const coordinator::Store& store, const std::string& path) {
  const auto snapshot = store.load();
  if (!snapshot) return fail(ExitCode::kStore, snapshot.error().message);
  if (snapshot->model.empty()) return fail(ExitCode::kStore, "no round is finished yet, so there is no model");
  const auto written = write_file(path, text_of({snapshot->model.data(), snapshot->model.size()}));
  if (!written) return fail(ExitCode::kStore, written.error().message);
  std::printf("%s: model after %u rounds\n", path.c_str(), snapshot->rounds_done);
  return kOk;
}

}  // namespace skink::ctl
