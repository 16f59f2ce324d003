#include "release_command.hpp"

#include "failure.hpp"

namespace skink::ctl {

ReleaseCommand::ReleaseCommand(Command app) {
  Command release = app.command("release", "Releases: 'release sign', 'release show FILE'");
  release.requires_command();
  sign_ = release.command("sign", "Signs a model or firmware, so that devices take it");
  const Option model = sign_.option("--model", model_, "Model file");
  sign_.option("--firmware", firmware_, "Firmware image").excludes(model);
  sign_.option("--name", request_.name, "1..32 of A-Z a-z 0-9 - _ .").required();
  sign_.option("--number", request_.number, "Counts up with every release of this name").shows_default();
  sign_.option("--out", request_.out, "File to write").required();
  show_ = release.command("show", "Checks a release and says what it is");
  show_.option("file", shown_, "What 'release sign' wrote").required();
  for (Command command : {sign_, show_}) {
    command.option("--pki", request_.pki, "Folder with release.key, or to show one: release.pub").required();
  }
}

int ReleaseCommand::run() {
  if (show_.parsed()) {
    const auto text = provisioning::describe_release(shown_, request_.pki);
    if (!text) return fail(exit_code_of(text.error(), ExitCode::kData), text.error().message);
    std::printf("%s", text->c_str());
    return kOk;
  }
  if (model_.empty() == firmware_.empty()) return fail(ExitCode::kUsage, "--model or --firmware is required");
  request_.kind = model_.empty() ? provisioning::ReleaseKind::kFirmware : provisioning::ReleaseKind::kModel;
  request_.content = model_.empty() ? firmware_ : model_;
  const auto text = provisioning::sign_release(request_);
  if (!text) return fail(text.error(), ExitCode::kData);
  std::printf("%s", text->c_str());
  return kOk;
}

}  // namespace skink::ctl
