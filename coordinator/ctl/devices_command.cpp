#include "devices_command.hpp"

#include "failure.hpp"
#include "skink/common/wire/topics.hpp"
#include "skink/host/config/overrides.hpp"

namespace skink::ctl {

DevicesCommand::DevicesCommand(Command app, std::string& store)
    : devices_(app.command("devices", "Every device that was ever seen, and what is said of it")) {
  devices_.option("--store", store, "Those in the store of a run, without the service");
  devices_.option("--group", of_group_, "Those of this group");
  devices_.choice<std::string, std::string>("--online", online_, {{"yes", "true"}, {"no", "false"}},
                                            "Those that are, or are not");
  show_ = devices_.command("show", "One device");
  label_ = devices_.command("label", "Sets labels: devices label ID floor=2 --remove hall");
  label_.option("--remove", removed_, "A label to remove").takes_one();
  group_ = devices_.command("group", "Puts it into a group; '-' takes it out");
  note_ = devices_.command("note", "A text for people; '-' removes it");
  exclude_ = devices_.command("exclude", "No run takes it from now on");
  include_ = devices_.command("include", "Runs may take it again");
  revoke_ = devices_.command("revoke", "Puts it out of the fleet for good: the service listens to it no more");
  forget_ = devices_.command("forget", "Nothing is known of it any more: for one that is gone for good, or never came");
  for (Command command : {show_, label_, group_, note_, exclude_, include_, revoke_, forget_}) {
    command.option("id", id_, "Its id").required();
  }
  label_.option("labels", labels_, "key=value");
  group_.option("name", text_, "Name of the group").required();
  note_.option("text", text_, "The text").required();
  for (Command command : {devices_, show_, label_, group_, note_, exclude_, include_, revoke_, forget_}) {
    options_.add_to(command);
  }
}

bool DevicesCommand::has_action() const {
  return show_.parsed() || label_.parsed() || group_.parsed() || note_.parsed() || exclude_.parsed() ||
         include_.parsed() || revoke_.parsed() || forget_.parsed();
}

int DevicesCommand::run() {
  const auto link = ServiceLink::open(options_);
  if (!link) return fail(link.error());
  if (has_action() && !wire::is_valid_id({id_.data(), id_.size()})) {
    return fail(ExitCode::kUsage, "'" + id_ + "': a device id is " + wire::kIdRule);
  }
  if (show_.parsed()) return show_object(*link, link->get(target()));
  if (label_.parsed()) return label(*link);
  const std::string text = text_ == "-" ? "" : text_;
  if (group_.parsed()) return describe(*link, {{"group", text}});
  if (note_.parsed()) return describe(*link, {{"note", text}});
  if (exclude_.parsed()) return describe(*link, {{"excluded", true}});
  if (include_.parsed()) return describe(*link, {{"excluded", false}});
  if (revoke_.parsed()) return revoke(*link);
  if (forget_.parsed()) return forget(*link);
  return show_list(*link, with_query("/api/v1/devices", {{"group", of_group_}, {"online", online_}}),
                   {{"device", "id"},
                    {"online", "online"},
                    {"group", "group"},
                    {"labels", "labels"},
                    {"excluded", "excluded"},
                    {"revoked", "revoked"},
                    {"release", "release"},
                    {"uses", "release_use"},
                    {"samples", "samples"},
                    {"updates", "updates"},
                    {"missed", "misses"},
                    {"too long", "clipped"},
                    {"firmware", "firmware"},
                    {"arena, B", "arena_bytes"},
                    {"battery, %", "battery_percent"},
                    {"last seen", "last_seen"},
                    {"note", "note"}});
}

int DevicesCommand::describe(const ServiceLink& link, const boost::json::object& change) const {
  const auto device = link.change("PATCH", target(), change);
  if (device && text_of(*device, "last_seen") == "-") {
    std::fprintf(stderr, "skinkctl: no device %s was ever seen; it is described so when it comes\n",
                 printable(id_).c_str());
  }
  return show_object(link, device);
}

/// Whoever revokes a device must know what is not done by that.
int DevicesCommand::revoke(const ServiceLink& link) const {
  const auto done = link.change("POST", target() + ":revoke", {});
  if (!done || link.json()) return show_object(link, done);
  const bool is_new = text_of(*done, "was_revoked") != "yes";
  std::printf("%s %s revoked: the service listens to it no more\n", id_.c_str(), is_new ? "is" : "was already");
  std::printf("%s\n", text_of(*done, "left_to_do").c_str());
  return kOk;
}

int DevicesCommand::forget(const ServiceLink& link) const {
  const auto done = link.change("DELETE", target(), {});
  if (!done || link.json()) return show_object(link, done);
  std::printf("%s is forgotten; it is known again when it is heard again\n", id_.c_str());
  return kOk;
}

/// The service takes all labels at once: those that are there are read first.
int DevicesCommand::label(const ServiceLink& link) const {
  const auto wanted = parse_overrides(labels_);
  if (!wanted) return fail(ExitCode::kUsage, "a label is key=value, as in devices label pump-01 floor=2");
  if (labels_.empty() && removed_.empty()) return fail(ExitCode::kUsage, "key=value or --remove is required");
  const auto device = link.get(target());
  if (!device && device.error().cause != Cause::kUsage) return fail(device.error());  // not seen yet: that is fine
  boost::json::object labels;
  if (device && device->contains("labels") && device->at("labels").is_object()) {
    labels = device->at("labels").get_object();
  }
  for (const std::string& key : removed_) labels.erase(key);
  for (const Override& one : *wanted) labels[one.key] = one.value;
  return describe(link, {{"labels", labels}});
}

}  // namespace skink::ctl
