#include "models_command.hpp"

#include "failure.hpp"
#include "skink/common/limits.hpp"
#include "skink/common/model/model_file.hpp"
#include "skink/host/files/files.hpp"

namespace skink::ctl {
namespace {

constexpr std::size_t kMostModelBytes = std::size_t{64} << 20;

/// The SHA-256 that a model file has in itself, after it was checked.
Result<std::string> digest_of(const std::string& content) {
  model::ModelInfo info;
  const Status status = model::inspect(model::source_of(bytes_of(content)), info);
  if (status != Status::kOk) {
    return make_error(status, std::string("what the service sent is no sound model file: ") + status_text(status),
                      Cause::kData);
  }
  char hex[2 * crypto::kDigestBytes + 1];
  crypto::to_hex(info.digest, hex);
  return std::string(hex);
}

}  // namespace

ModelsCommand::ModelsCommand(Command app)
    : models_(app.command("models", "The service's registry of models: lists, shows, exports, adds")) {
  list_ = models_.command("list", "All models, as 'models' alone does");
  show_ = models_.command("show", "One model");
  export_ = models_.command("export", "Writes a model file");
  for (Command command : {show_, export_}) command.option("model", number_, "Its number").required();
  export_.option("file", file_, "Where to write the .skm file").required();
  add_ = models_.command("add", "Puts a model that a run keeps into the registry");
  add_.option("run", run_, "The run's number").required();
  add_.option("--round", round_, "After how many rounds; default: the latest that is kept")
      .range(1U, limits::kMaxRounds);
  for (Command command : {models_, list_, show_, export_, add_}) options_.add_to(command);
}

int ModelsCommand::run() {
  const auto link = ServiceLink::open(options_);
  if (!link) return fail(link.error());
  if (show_.parsed()) return show_object(*link, link->get(target()));
  if (export_.parsed()) return write(*link);
  if (add_.parsed()) return add(*link);
  return show_list(*link, "/api/v1/models",
                   {{"model", "number"},
                    {"experiment", "experiment"},
                    {"run", "run"},
                    {"rounds", "rounds"},
                    {"loss before", "figures.loss_before"},
                    {"loss after", "figures.loss_after"},
                    {"accuracy", "figures.accuracy_after"},
                    {"created", "created"},
                    {"sha256", "sha256"}});
}

int ModelsCommand::add(const ServiceLink& link) const {
  const auto model = link.change("POST", "/api/v1/models", {{"run", run_}, {"round", round_}});
  if (!model || link.json()) return show_object(link, model);
  std::printf("model %s is %s of run %u after %s rounds\n", text_of(*model, "number").c_str(),
              text_of(*model, "sha256").c_str(), run_, text_of(*model, "rounds").c_str());
  return kOk;
}

int ModelsCommand::write(const ServiceLink& link) const {
  const auto replaceable = check_replaceable(file_, {"a model", std::string_view("SKM\0", 4), 0});
  if (!replaceable) return fail(replaceable.error());
  const auto model = link.get(target());
  if (!model) return fail(model.error());
  const auto content = link.get_text(target() + "/file", kMostModelBytes);
  if (!content) return fail(content.error());
  const auto digest = digest_of(*content);
  if (!digest) return fail(digest.error());
  const std::string wanted = text_of(*model, "sha256");
  if (*digest != wanted) {
    return fail(ExitCode::kData, "the file that the service sent is model " + *digest + ", not " + wanted);
  }
  const auto written = write_file(file_, *content);
  if (!written) return fail(written.error());
  if (link.json()) return show_object(link, model);
  std::printf("%s: model %u, %s\n", printable(file_).c_str(), number_, digest->c_str());
  return kOk;
}

}  // namespace skink::ctl
