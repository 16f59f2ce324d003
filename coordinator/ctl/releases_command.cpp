#include "releases_command.hpp"

#include "failure.hpp"
#include "skink/host/program/printable.hpp"

namespace skink::ctl {

ReleasesCommand::ReleasesCommand(Command app)
    : releases_(app.command("releases", "Models that devices shall use")),
      trials_(app.command("trials", "Models that a group judges before the others get them")) {
  list_ = releases_.command("list", "All releases, as 'releases' alone does");
  add_ = releases_.command("add", "Devices shall use this model from now on");
  add_.option("model", model_, "Its number in the registry").range(1U, 0x7fffffffU).required();
  add_.option("--group", group_, "Only the devices of this group; default: all");
  list_trials_ = trials_.command("list", "All trials, as 'trials' alone does");
  add_trial_ =
      trials_.command("add", "A group judges a model against the one that all have; then it is released, or held back");
  add_trial_.option("model", model_, "Its number in the registry").range(1U, 0x7fffffffU).required();
  add_trial_.option("--group", group_, "The devices that judge; one of them is not asked").required();
  add_trial_.option("--least-gain", least_gain_, "Mean loss per sample by which it must be better; default 0")
      .range(-1e6, 1e6);
  add_trial_.option("--least-devices", least_devices_, "How many must have judged both models; default 1")
      .range(1U, 100'000U);
  add_trial_.option("--wait", wait_s_, "Seconds for the devices to come, for each model; default 600; 0: for ever");
  for (Command command : {releases_, list_, add_, trials_, list_trials_, add_trial_}) options_.add_to(command);
}

int ReleasesCommand::run() {
  const auto link = ServiceLink::open(options_);
  if (!link) return fail(link.error());
  if (add_.parsed()) return add(*link);
  if (add_trial_.parsed()) return add_trial(*link);
  if (trials_.parsed()) {
    return show_list(*link, "/api/v1/trials",
                     {{"trial", "number"},
                      {"model", "model"},
                      {"old", "old_model"},
                      {"group", "group"},
                      {"phase", "phase"},
                      {"release", "release"},
                      {"reason", "reason"}});
  }
  return show_list(*link, "/api/v1/releases",
                   {{"release", "number"},
                    {"model", "model"},
                    {"group", "group"},
                    {"created", "created"},
                    {"sha256", "model_sha256"}});
}

int ReleasesCommand::add(const ServiceLink& link) const {
  const auto release = link.change("POST", "/api/v1/releases", {{"model", model_}, {"group", group_}});
  if (!release || link.json()) return show_object(link, release);
  std::printf("release %s is model %u, for %s\n", text_of(*release, "number").c_str(), model_,
              group_.empty() ? "all" : ("the group " + printable(group_)).c_str());
  note_empty_group(link, group_);
  return kOk;
}

int ReleasesCommand::add_trial(const ServiceLink& link) const {
  const auto trial = link.change("POST", "/api/v1/trials",
                                 {{"model", model_},
                                  {"group", group_},
                                  {"least_gain", least_gain_},
                                  {"least_devices", least_devices_},
                                  {"wait_s", wait_s_}});
  if (!trial || link.json()) return show_object(link, trial);
  std::printf("trial %s: the group %s judges model %u\n", text_of(*trial, "number").c_str(), printable(group_).c_str(),
              model_);
  return kOk;
}

}  // namespace skink::ctl
