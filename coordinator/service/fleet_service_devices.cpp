/// @file
/// What a fleet service knows of single devices: what the operator says of them, and how they behave.

#include <fmt/format.h>

#include <boost/json.hpp>
#include <filesystem>

#include "skink/coordinator/provisioning/revoked_list.hpp"
#include "skink/coordinator/service/fleet_service.hpp"

namespace skink::coordinator {

namespace {

constexpr std::uint32_t kMostRead = 1'000'000;

}  // namespace

Result<void> FleetService::describe_device(const FleetDevice& device, const std::string& who) {
  auto done = note_audit(
      who, "device.describe", device.row.id,
      boost::json::serialize(boost::json::object{
          {"group", device.group}, {"labels", device.labels}, {"note", device.note}, {"excluded", device.excluded}}));
  if (done) done = store_.describe_device(device);
  if (!done) return done;
  descriptions_[device.row.id] = description_of(device);
  if (device.excluded != loop_->devices().is_excluded(device.row.id)) {
    loop_->exclude(device.row.id, device.excluded);
    event_of(
        current_ ? current_->number : 0, "info", device.excluded ? "device.excluded" : "device.included",
        fmt::format("{}: {} by {}", device.row.id, device.excluded ? "excluded from runs" : "may take part again", who),
        device.row.id);
  }
  if (!done || !current_ || loop_->run() == nullptr) return done;
  const Selection selection = current_->order.selection;
  loop_->devices().select([this, selection](const KnownDevice& one) { return is_selected(selection, one); });
  return done;
}

FleetService::Description FleetService::description_of(const FleetDevice& device) {
  Description description{device.group, {}, device.excluded};
  boost::system::error_code code;
  const boost::json::value labels = boost::json::parse(device.labels, code);
  if (code || !labels.is_object()) return description;
  for (const auto& [key, value] : labels.get_object()) {
    if (value.is_string()) description.labels.emplace(key, value.get_string());
  }
  return description;
}

Result<void> FleetService::read_devices() {
  const auto rows = store_.devices("", kMostRead);
  if (!rows) return rows.error();
  for (const FleetDevice& device : *rows) {
    descriptions_[device.row.id] = description_of(device);
    if (device.excluded) loop_->devices().exclude(device.row.id, true);
  }
  const auto conduct = store_.conduct();
  if (!conduct) return conduct.error();
  watch_.restore(*conduct);
  return {};
}

void FleetService::name_culprits() {
  const std::uint32_t run = current_ ? current_->number : 0;
  for (const DeviceWatch::Suspicion& one : watch_.take_suspicions()) {
    event_of(run, "warning", "device.suspect", one.text, one.id);
  }
  for (const Stranger& one : loop_->take_strangers()) {
    event_of(0, "warning", "device.refused", stranger_text(one), one.id);
  }
  for (const FloodGuard::Flooder& one : loop_->take_flooders()) {
    const std::string remedy =
        loop_->devices().is_revoked(one.id)
            ? "it is revoked, but still connected: put its certificate on the broker's list (`skinkctl device revoke`) "
              "and restart the broker"
            : fmt::format(
                  "is its program broken, or its key stolen? `skinkctl devices revoke {}` puts it out of the fleet",
                  one.id);
    flood_ =
        fmt::format("{} sends more than a device may, {} messages were not looked at; {}", one.id, one.dropped, remedy);
    flood_ms_ = loop_->now_ms();
    event_of(run, "error", "device.flooding", flood_, one.id);
  }
}

bool FleetService::is_selected(const Selection& selection, const KnownDevice& device) const {
  if (device.firmware.compare(0, selection.firmware.size(), selection.firmware) != 0) return false;
  const auto found = descriptions_.find(device.id);
  static const Description nothing_said;
  const Description& said = found == descriptions_.end() ? nothing_said : found->second;
  if (said.excluded || (!selection.group.empty() && said.group != selection.group)) return false;
  if (selection.label.empty()) return true;
  const std::size_t equals = selection.label.find('=');
  const auto label = said.labels.find(selection.label.substr(0, equals));
  if (label == said.labels.end()) return false;
  return equals == std::string::npos || label->second == selection.label.substr(equals + 1);
}

Result<bool> FleetService::revoke_device(const std::string& id, const std::string& who) {
  if (settings_.revoked.empty()) {
    return make_error(Status::kInvalidArgument,
                      "there is no list of revoked ids: name one as [fleet] revoked in the configuration, and start "
                      "the service again");
  }
  const auto added = provisioning::add_to_revoked_list(settings_.revoked, id);
  if (!added) return added.error();
  const auto noted = note_audit(who, "device.revoke", id, *added ? "" : "was revoked before");
  if (!noted) return noted.error();
  if (*added) event_of(current_ ? current_->number : 0, "warning", "device.revoked", id + " is revoked by " + who, id);
  return *added;
}

Result<std::uint32_t> FleetService::renew_device(const std::string& id, const std::string& who) {
  const auto number = renewals_.ask(id);
  if (!number) return number;
  const auto noted = note_audit(who, "device.renew", id, fmt::format("{{\"number\":{}}}", *number));
  if (!noted) return noted.error();
  event_of(current_ ? current_->number : 0, "info", "device.renewal",
           fmt::format("{}: a new certificate is asked for by {}", id, who), id);
  return number;
}

/// Empty: nothing.
Result<std::string> FleetService::why_kept(const std::string& id) const {
  const auto ids = settings_.revoked.empty() ? RevokedIds() : provisioning::read_revoked_list(settings_.revoked);
  if (!ids) return ids.error();
  if (ids->contains(id) || loop_->devices().is_revoked(id)) {
    return id + " is revoked: it stays known, so that nobody takes its id for a new device";
  }
  const KnownDevice* known = loop_->devices().find(id);
  if (known != nullptr && known->presence.online) {
    return id + " is online: it would be known again at once. Switch it off first, or revoke it";
  }
  const auto run = store_.current_run();
  if (!run) return run.error();
  const std::string path = *run ? run_folder((*run)->number) + "/store.db" : std::string();
  if (!*run || (*run)->run == 0 || !std::filesystem::exists(path)) return std::string();
  const auto store = Store::open_to_read(path);
  if (!store) return store.error();
  const auto is_member = store->has_in_roster(id);
  if (!is_member) return is_member.error();
  if (!*is_member) return std::string();
  return fmt::format("{} takes part in run {}, which is {}: wait for its end, or stop it first", id, (*run)->number,
                     run_phase_text((*run)->phase));
}

Result<bool> FleetService::forget_device(const std::string& id, const std::string& who) {
  const auto known = store_.device(id);
  if (!known) return known.error();
  if (!*known) return false;
  const auto kept = why_kept(id);
  if (!kept) return kept.error();
  if (!kept->empty()) return make_error(Status::kInvalidArgument, *kept);
  const auto noted = note_audit(who, "device.forget", id, "");
  if (!noted) return noted.error();
  auto done = store_.forget_device(id);
  if (!done) return done;
  loop_->devices().forget(id, loop_->now_ms());
  watch_.forget(id);
  renewals_.forget(id);
  descriptions_.erase(id);
  std::erase_if(devices_, [&id](const DeviceRow& row) { return row.id == id; });  // not yet written
  event_of(current_ ? current_->number : 0, "info", "device.forgotten", id + " is forgotten, as " + who + " has asked",
           id);
  return true;
}

RoundParticipants FleetService::participants_of(const Coordinator& core, const RoundTiming& timing) const {
  RoundParticipants round;
  round.run = current_ ? current_->number : 0;
  round.round = timing.round();
  round.is_open = timing.is_open();
  round.is_complete = timing.is_complete();
  round.participants.reserve(timing.participants().size());
  for (const ParticipantTiming& one : timing.participants()) {
    round.participants.push_back({core.roster()[one.device_index], one});
  }
  return round;
}

std::optional<RoundParticipants> FleetService::participants(std::uint32_t run, std::uint32_t round) const {
  if (loop_->run() != nullptr && current_ && current_->number == run) {
    const Coordinator& core = loop_->run()->core();
    const RoundTiming& timing = core.round_timing();
    if (timing.is_open() && timing.round() == round) {
      RoundParticipants open = participants_of(core, timing);
      open.elapsed_ms = loop_->now_ms() - timing.opened_ms();
      return open;
    }
  }
  return ring_.find(run, round);
}

}  // namespace skink::coordinator
