#include "order_options.hpp"

#include "skink/common/limits.hpp"
#include "skink/host/config/overrides.hpp"
#include "skink/host/files/files.hpp"

namespace skink::ctl {
namespace {

constexpr std::size_t kMostExperimentBytes = std::size_t{1} << 20;

}  // namespace

void OrderOptions::add_to(Command command) {
  command.option("experiment", experiment_, "Experiment file (docs/experiment.md)").required();
  command.option("--set", settings_, "Replaces one key of the experiment: --set meta.rounds=100").takes_one();
  command.option("--init-model", init_model_, "Begins with this model of the registry").range(1U, 0x7fffffffU);
  command.option("--group", group_, "Only devices of this group");
  command.option("--label", label_, "Only devices with this label: key=value");
  command.option("--firmware", firmware_, "Only devices whose firmware's name begins so");
  command.flag("--release", releases_, "When it is finished, its model is released to the group, or to all");
  command.option("--gate", gate_group_,
                 "When it is finished, devices of this group try its model first; if they gain, it is released");
  command.option("--least-gain", least_gain_, "With --gate: mean loss that they must gain; default: 0");
  command.option("--least-devices", least_devices_, "With --gate: how many must judge; default: 1").range(1U, 100'000U);
  command.option("--gate-wait", gate_wait_s_,
                 "With --gate: seconds for them to come, for each model; default: an hour");
  command.option("--wait", wait_s_, "Seconds after which it fails when devices are missing; default: never");
  command.option("--keep-every", keep_every_, "Keeps the model after every so many rounds, for 'models add'")
      .range(1U, limits::kMaxRounds);
}

Result<boost::json::object> OrderOptions::body() const {
  const auto text = read_file(experiment_, kMostExperimentBytes);
  if (!text) return because(text.error(), Cause::kConfiguration);
  const auto overrides = parse_overrides(settings_);
  if (!overrides) return because(overrides.error(), Cause::kUsage);
  boost::json::object order{{"experiment", *text}, {"wait_s", wait_s_}};
  boost::json::object set;
  for (const Override& one : *overrides) set[one.key] = one.value;
  if (!set.empty()) order["set"] = set;
  if (init_model_ != 0) order["init_model"] = init_model_;
  if (!group_.empty()) order["group"] = group_;
  if (releases_) order["release"] = "auto";
  const OrderOptions usual;
  const bool has_gate_options =
      least_gain_ != usual.least_gain_ || least_devices_ != usual.least_devices_ || gate_wait_s_ != usual.gate_wait_s_;
  if (gate_group_.empty() && has_gate_options) {
    return make_error(Status::kInvalidArgument, "--least-gain, --least-devices and --gate-wait belong to --gate",
                      Cause::kUsage);
  }
  if (!gate_group_.empty()) {
    if (releases_) {
      return make_error(Status::kInvalidArgument, "--release gives the model to all, --gate to some first: choose one",
                        Cause::kUsage);
    }
    order["release"] = "gated";
    order["gate"] = boost::json::object{{"group", gate_group_},
                                        {"least_gain", least_gain_},
                                        {"least_devices", least_devices_},
                                        {"wait_s", gate_wait_s_}};
  }
  if (!label_.empty()) order["label"] = label_;
  if (!firmware_.empty()) order["firmware"] = firmware_;
  if (keep_every_ != 0) order["checkpoint_rounds"] = keep_every_;
  return order;
}

}  // namespace skink::ctl
