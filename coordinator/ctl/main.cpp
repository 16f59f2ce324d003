/// @file
/// skinkctl: what operators ask of a fleet service, of the store of a run (also while a coordinator writes it), and
/// devices for a fleet.

#include <cstdio>

#include "backup_command.hpp"
#include "certificates_command.hpp"
#include "devices_command.hpp"
#include "doctor_command.hpp"
#include "events_command.hpp"
#include "failure.hpp"
#include "init_command.hpp"
#include "model_text.hpp"
#include "models_command.hpp"
#include "progress_command.hpp"
#include "provision_command.hpp"
#include "release_command.hpp"
#include "releases_command.hpp"
#include "renewals_command.hpp"
#include "revoke_command.hpp"
#include "runs_command.hpp"
#include "schedules_command.hpp"
#include "skink/coordinator/provisioning/identity_text.hpp"
#include "skink/coordinator/store/store.hpp"
#include "skink/host/program/command_line.hpp"
#include "store_commands.hpp"
#include "tokens_command.hpp"

namespace {

using namespace skink;
using coordinator::Store;
using ctl::fail;
using ctl::kOk;

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

/// What can be asked of one run's store, without a service.
struct StoreRequest {
  std::string store;
  std::string file;
};

int read_store(const StoreRequest& request, const ctl::ProgressCommand& progress, const ctl::DevicesCommand& devices) {
  const auto store = Store::open_to_read(request.store);
  if (!store) return fail(ExitCode::kStore, store.error().message);
  if (devices.parsed()) return ctl::show_stored_devices(*store);
  if (!progress.parsed()) return ctl::export_stored_model(*store, request.file);
  return progress.is_status() ? ctl::show_stored_status(*store) : ctl::show_stored_rounds(*store, progress.last());
}

int run_command(int argc, char** argv) {
  CommandLine line("skinkctl", "Operates the fleet service, reads stores, makes the devices of a fleet.");
  Command app = line.root();
  app.requires_command();
  StoreRequest request;
  std::string file;
  ctl::ProgressCommand progress(app, request.store);
  ctl::RunsCommand runs(app);
  ctl::SchedulesCommand schedules(app);
  ctl::RenewalsCommand renewals(app);
  ctl::EventsCommand events(app);
  ctl::DevicesCommand devices(app, request.store);
  ctl::ModelsCommand models(app);
  ctl::ReleasesCommand releases(app);
  ctl::TokensCommand tokens(app);
  Command model = app.command("model", "Model files: 'model show FILE' and 'model export --store S FILE'");
  model.requires_command();
  Command show = model.command("show", "Prints a model file");
  show.option("file", file, "A .skm file").required();
  Command exported = model.command("export", "Writes the latest model in the store of a run");
  exported.option("--store", request.store, "The run's store").required();
  exported.option("file", request.file, "Where to write the .skm file").required();
  Command identity = app.command("identity", "Identity images: 'identity show FILE'");
  identity.requires_command();
  Command show_image = identity.command("show", "Prints an identity image, without its secrets");
  show_image.option("file", file, "A .bin file, or what was read from a device's partition").required();
  ctl::ProvisionCommand provision(app);
  ctl::RevokeCommand revoke(app);
  ctl::ReleaseCommand release(app);
  ctl::InitCommand init(app);
  ctl::CertificatesCommand certificates(app);
  ctl::BackupCommand backup(app);
  ctl::DoctorCommand doctor(app);
  try {
    const std::optional<int> over = line.parse(argc, argv);
    if (over) return *over;
    if (show.parsed()) return show_model(file);
    if (show_image.parsed()) return show_identity(file);
    if (provision.parsed()) return provision.run();
    if (revoke.parsed()) return revoke.run();
    if (release.parsed()) return release.run();
    if (init.parsed()) return init.run();
    if (certificates.parsed()) return certificates.run();
    if (backup.parsed()) return backup.run();
    if (doctor.parsed()) return doctor.run();
    if (runs.parsed()) return runs.run();
    if (schedules.parsed()) return schedules.run();
    if (renewals.parsed()) return renewals.run();
    if (events.parsed()) return events.run();
    if (models.parsed()) return models.run();
    if (releases.parsed()) return releases.run();
    if (tokens.parsed()) return tokens.run();
    const bool reads_store = !request.store.empty() && !devices.has_action();
    if (reads_store || exported.parsed()) return read_store(request, progress, devices);
    return progress.parsed() ? progress.run() : devices.run();
  } catch (const std::exception& error) {
    return fail(ExitCode::kInternal, error.what());
  }
}

}  // namespace

int main(int argc, char** argv) { return end_program("skinkctl", run_command(argc, argv)); }
