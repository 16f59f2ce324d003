/// @file
/// skinkctl: what operators ask of a run, and devices for it. Reads the store, also while a coordinator writes it.

#include <cstdio>

#include "failure.hpp"
#include "model_text.hpp"
#include "provision_command.hpp"
#include "release_command.hpp"
#include "revoke_command.hpp"
#include "skink/coordinator/provisioning/identity_text.hpp"
#include "skink/coordinator/results/summary.hpp"
#include "skink/coordinator/store/store.hpp"
#include "skink/host/files/files.hpp"
#include "skink/host/program/command_line.hpp"
#include "skink/host/program/printable.hpp"

namespace {

using namespace skink;
using coordinator::Store;
using ctl::fail;
using ctl::kOk;

int show_status(const Store& store) {
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
      if (experiment->model.loss == nn::Loss::kSoftmaxCrossEntropy) {
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

/// docs/protocol.md, section 3; hosts do not say.
const char* reset_text(std::uint32_t reason) {
  constexpr const char* kTexts[] = {"-", "power", "software", "watchdog", "fault"};
  return reason < std::size(kTexts) ? kTexts[reason] : "?";
}

int show_devices(const Store& store) {
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

int show_rounds(const Store& store, std::size_t last) {
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

int export_model(const Store& store, const std::string& path) {
  const auto snapshot = store.load();
  if (!snapshot) return fail(ExitCode::kStore, snapshot.error().message);
  if (snapshot->model.empty()) return fail(ExitCode::kStore, "no round is finished yet, so there is no model");
  const auto written = write_file(path, text_of({snapshot->model.data(), snapshot->model.size()}));
  if (!written) return fail(ExitCode::kStore, written.error().message);
  std::printf("%s: model after %u rounds\n", path.c_str(), snapshot->rounds_done);
  return kOk;
}

int show_model(const std::string& path) {
  const auto text = ctl::describe_model(path);
  if (!text) return fail(exit_code_of(text.error(), ExitCode::kData), text.error().message);
  std::printf("%s", text->c_str());
  return kOk;
}

int show_identity(const std::string& path) {
  const auto text = provisioning::describe_identity(path);
  if (!text) return fail(exit_code_of(text.error(), ExitCode::kData), text.error().message);
  std::printf("%s", text->c_str());
  return kOk;
}

int run_command(int argc, char** argv) {
  CommandLine line("skinkctl",
                   "Shows what a coordinator did: runs, devices, rounds, models. Makes the devices of a fleet.");
  Command app = line.root();
  app.requires_command();
  std::string store_path;
  std::string file;
  std::size_t last = 20;
  const auto with_store = [&store_path](Command command) {
    command.option("--store", store_path, "The coordinator's store").required();
    return command;
  };
  Command status = with_store(app.command("status", "The run: progress, evaluation, refusals, transcript"));
  Command devices = with_store(app.command("devices", "Every device that was ever seen"));
  Command rounds = with_store(app.command("rounds", "The latest rounds"));
  rounds.option("--last", last, "How many; 0: all");
  Command model = app.command("model", "Models: 'model show FILE' and 'model export --store S FILE'");
  model.requires_command();
  Command show = model.command("show", "Prints a model file");
  show.option("file", file, "A .skm file").required();
  Command exported = with_store(model.command("export", "Writes the store's latest model"));
  exported.option("file", file, "Where to write the .skm file").required();
  Command identity = app.command("identity", "Identity images: 'identity show FILE'");
  identity.requires_command();
  Command show_image = identity.command("show", "Prints an identity image, without its secrets");
  show_image.option("file", file, "A .bin file, or what was read from a device's partition").required();
  ctl::ProvisionCommand provision(app);
  ctl::RevokeCommand revoke(app);
  ctl::ReleaseCommand release(app);
  try {
    const std::optional<int> over = line.parse(argc, argv);
    if (over) return *over;
    if (show.parsed()) return show_model(file);
    if (show_image.parsed()) return show_identity(file);
    if (provision.parsed()) return provision.run();
    if (revoke.parsed()) return revoke.run();
    if (release.parsed()) return release.run();
    const auto store = Store::open_to_read(store_path);
    if (!store) return fail(ExitCode::kStore, store.error().message);
    if (status.parsed()) return show_status(*store);
    if (devices.parsed()) return show_devices(*store);
    if (rounds.parsed()) return show_rounds(*store, last);
    return export_model(*store, file);
  } catch (const std::exception& error) {
    return fail(ExitCode::kInternal, error.what());
  }
}

}  // namespace

int main(int argc, char** argv) { return end_program("skinkctl", run_command(argc, argv)); }
