/// @file
/// Models reach the fleet: releases are signed, kept and announced.

#include <fmt/format.h>

#include "skink/common/provisioning/signed_release.hpp"
#include "skink/coordinator/provisioning/release_signing.hpp"
#include "skink/coordinator/service/fleet_service.hpp"
#include "skink/host/experiment/scope.hpp"

namespace skink::coordinator {

std::string FleetService::group_of(const std::string& id) const {
  const auto found = descriptions_.find(id);
  return found == descriptions_.end() ? "" : found->second.group;
}

Result<std::uint32_t> FleetService::release_model(std::uint32_t model, const std::string& group,
                                                  const std::string& who) {
  if (settings_.release_pki.empty()) {
    return make_error(Status::kInvalidArgument,
                      "there is no key to sign releases with: [release] pki of the configuration names its folder");
  }
  const auto row = store_.model(model);
  if (!row) return row.error();
  if (!*row) return make_error(Status::kInvalidArgument, fmt::format("there is no model {}", model), Cause::kUsage);
  const auto file = store_.model_file(model);
  auto number = store_.next_release();
  if (!file || !number) return file ? number.error() : file.error();
  if (release_seen_ >= *number) number = release_seen_ + 1;
  const std::string name = settings_.fleet.substr(0, provisioning::kMaxReleaseNameBytes);
  const auto signed_bytes =
      provisioning::make_release(settings_.release_pki, provisioning::ReleaseKind::kModel, name, *number,
                                 {reinterpret_cast<const char*>(file->data()), file->size()});
  if (!signed_bytes) return because(signed_bytes.error(), Cause::kCredentials);
  ReleaseRow release;
  release.number = *number;
  release.model = model;
  release.group = group;
  release.header = signed_bytes->substr(0, provisioning::kReleaseHeaderBytes);
  release.slot = releases_.free_slot();
  if ((*row)->run != 0) {
    const auto run = store_.run((*row)->run);
    if (!run) return run.error();
    const auto experiment = *run
                                ? parse_experiment((*run)->order.experiment_text, "experiment", (*run)->order.overrides)
                                : Result<Experiment>(make_error(Status::kUnavailable, "no run"));
    if (experiment) {
      release.seed = experiment->seed;
      release.inner_learning_rate = experiment->evaluation.inner_learning_rate;
      release.passes = experiment->evaluation.passes;
      release.batch_size = experiment->evaluation.batch_size;
    }
  }
  auto done =
      note_audit(who, "release.add", std::to_string(*number), fmt::format("model {}, group '{}'", model, group));
  if (done) done = store_.add_release(release);
  if (done) done = releases_.read();
  if (!done) return done.error();
  event("info", "release.added",
        fmt::format("release {} is model {} ({}) for {}", *number, model, (*row)->sha256,
                    group.empty() ? "all" : "the group " + group));
  releases_.publish_chunks();
  done = write_notes();  // what is known of devices is up to date
  if (done) done = releases_.announce_to_all();
  if (!done) return done.error();
  return *number;
}

/// Of a model whose run sent its steps to devices; what cannot be read is not sent.
std::optional<rounds::PatchBook> FleetService::patches_to(std::uint32_t model) const {
  const auto row = store_.model(model);
  if (!row || !*row || (*row)->run == 0) return std::nullopt;
  const auto run = store_.run((*row)->run);
  if (!run || !*run) return std::nullopt;
  const RunOrder& order = (*run)->order;
  const auto experiment = parse_experiment(order.experiment_text, "experiment", order.overrides);
  if (!experiment || experiment->downlink == kWholeModel) return std::nullopt;
  const auto store = Store::open_to_read(run_folder((*run)->number) + "/store.db");
  const auto patches = store ? store->patches() : Result<std::vector<rounds::Patch>>(store.error());
  if (!patches || patches->empty() || patches->back().round + 1 != (*row)->rounds) return std::nullopt;
  rounds::PatchBook book(experiment->downlink, scoped_networks(*experiment).sent.frozen(), (*row)->bytes);
  for (const rounds::Patch& patch : *patches) book.add(patch);
  return book;
}

/// Devices keep a release with a number that this store does not know: it was restored from a backup. What is released
/// gets numbers above that, or they would refuse it for ever.
Result<void> FleetService::renew_releases() {
  const auto next = store_.next_release();
  if (!next) return next.error();
  if (release_seen_ < *next || settings_.release_pki.empty()) return {};
  for (const FleetReleases::Released& released : releases_.released()) {
    event("warning", "release.renewed",
          fmt::format(
              "a device keeps release {}, which is not known here, as after a restored backup: model {} is released "
              "again, above it",
              release_seen_, released.model));
    const auto number = release_model(released.model, released.group, "service");
    if (number) continue;
    release_seen_ = 0;  // until a birth says it again
    event("error", "release.failed",
          fmt::format("model {} is not released: {}", released.model, number.error().message));
    return number.error().cause == Cause::kStore ? Result<void>(number.error()) : Result<void>();
  }
  return {};
}

/// Once: whoever was killed after it does it again. A fleet that cannot be told says so and keeps the model.
Result<void> FleetService::release_automatically(std::uint32_t model) {
  const std::string group = current_->order.selection.group;
  if (releases_.model_of(group) == model) return {};
  const auto number = release_model(model, group, fmt::format("run {}", current_->number));
  if (number) return {};
  if (number.error().cause == Cause::kStore) return number.error();
  event("error", "release.failed", fmt::format("model {} is not released: {}", model, number.error().message));
  return {};
}

}  // namespace skink::coordinator
