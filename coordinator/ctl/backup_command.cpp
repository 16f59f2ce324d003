#include "backup_command.hpp"

#include <sys/stat.h>

#include <filesystem>

#include "failure.hpp"
#include "skink/coordinator/backup/backup.hpp"
#include "skink/coordinator/setup/gateway_folder.hpp"

namespace skink::ctl {

BackupCommand::BackupCommand(Command app)
    : backup_(app.command("backup", "Writes a gateway to one file, while its service runs or not")),
      restore_(app.command("restore", "Brings a backup back, into a new folder")) {
  backup_.option("file", file_, "The file to write").required();
  backup_.option("--config", config_, "The coordinator's configuration").required();
  backup_.flag("--without-keys", leaves_keys_out_,
               "Leaves private keys out: such a backup brings back what was learned, and no fleet");
  restore_.option("file", file_, "A backup").required();
  restore_.option("dir", folder_, "The folder to make; it must not be there, or be empty").required();
}

int BackupCommand::run() const { return backup_.parsed() ? back_up() : restore(); }

int BackupCommand::back_up() const {
  const auto settings = coordinator::read_settings(config_);
  if (!settings) return fail(settings.error(), ExitCode::kConfiguration);
  const auto report = backup::write_backup(*settings, config_, file_,
                                           leaves_keys_out_ ? backup::Keys::kLeaveOut : backup::Keys::kInclude);
  if (!report) return fail(report.error(), ExitCode::kStore);
  std::printf("%s: fleet %s, %zu models, %zu runs, %zu files, %.1f MB, %s\n", printable(file_).c_str(),
              printable(report->fleet).c_str(), report->models, report->runs, report->files,
              static_cast<double>(report->bytes) / 1e6,
              report->has_keys ? "with all private keys: keep it as you keep them" : "without private keys");
  for (const std::string& path : report->left_out) {
    std::fprintf(stderr, "skinkctl: warning: %s is not in the backup: it lies outside of the configuration's folder\n",
                 printable(path).c_str());
  }
  return kOk;
}

int BackupCommand::restore() const {
  ::umask(022);  // service and broker share the folder; what is private has a mode of its own
  const auto report = backup::restore_backup(file_, folder_, setup::give_to_services);
  if (!report) return fail(report.error(), ExitCode::kStore);
  const std::string root = std::filesystem::absolute(folder_).lexically_normal().string();
  std::printf("%s: fleet %s as of %s, %zu models and %zu runs, every hash as it was\n", printable(root).c_str(),
              printable(report->fleet).c_str(), printable(report->created).c_str(), report->models, report->runs);
  if (!report->has_keys) {
    std::printf("The backup has no private keys: put them back before the service is started.\n");
  }
  if (report->folder != root) {
    std::printf("It was %s: change the paths in broker/mosquitto.conf, or move the folder there.\n",
                printable(report->folder).c_str());
  }
  if (report->state != report->folder + "/state") {
    std::printf("The state was %s and is %s/state now: move it there, or change [coordinator] state.\n",
                printable(report->state).c_str(), printable(root).c_str());
  }
  std::printf("Who was revoked after that is a member again, and tokens are as they were: revoke those once more.\n");
  std::printf("Start no service on what it was copied from: two coordinators of one fleet disturb each other.\n");
  return kOk;
}

}  // namespace skink::ctl
