#include "renewals_command.hpp"

#include "failure.hpp"
#include "skink/common/wire/topics.hpp"

namespace skink::ctl {

RenewalsCommand::RenewalsCommand(Command app)
    : renewals_(app.command("renewals", "New certificates for devices that are in the field: lists, asks for them")) {
  list_ = renewals_.command("list", "The last one of each device, as 'renewals' alone does");
  ask_ = renewals_.command("ask", "Has devices make new keys, and gives them certificates; those that are away, later");
  ask_.option("ids", ids_, "Their ids");
  ask_.option("--group", group_, "Those of this group");
  ask_.flag("--all", all_, "Every device that was ever seen, but those that are revoked");
  for (Command command : {renewals_, list_, ask_}) options_.add_to(command);
}

int RenewalsCommand::run() {
  const auto link = ServiceLink::open(options_);
  if (!link) return fail(link.error());
  if (ask_.parsed()) return ask(*link);
  return show_list(*link, "/api/v1/renewals",
                   {{"device", "device"},
                    {"renewal", "number"},
                    {"phase", "phase"},
                    {"since", "since"},
                    {"valid until", "valid_until"},
                    {"reason", "reason"}});
}

Result<std::vector<std::string>> RenewalsCommand::chosen(const ServiceLink& link) const {
  if (!all_ && group_.empty()) return ids_;
  const auto devices = link.pages(with_query("/api/v1/devices", {{"group", group_}}));
  if (!devices) return devices.error();
  std::vector<std::string> ids;
  for (const auto& device : *devices) {
    if (text_of(device.as_object(), "revoked") != "yes") ids.push_back(text_of(device.as_object(), "id"));
  }
  return ids;
}

int RenewalsCommand::ask(const ServiceLink& link) const {
  if (int(all_) + int(!group_.empty()) + int(!ids_.empty()) != 1) {
    return fail(ExitCode::kUsage, "name devices, or --group, or --all: one of the three");
  }
  for (const std::string& id : ids_) {
    if (!wire::is_valid_id({id.data(), id.size()})) {
      return fail(ExitCode::kUsage, "'" + id + "': a device id is " + wire::kIdRule);
    }
  }
  const auto ids = chosen(link);
  if (!ids) return fail(ids.error());
  if (ids->empty()) note_empty_group(link, group_);
  boost::json::array asked;
  for (const std::string& id : *ids) {
    const auto one = link.change("POST", "/api/v1/devices/" + id + ":renew", {});
    if (!one) return fail(one.error());
    asked.push_back(*one);
  }
  const std::size_t count = asked.size();
  if (link.json()) return show_rows(link, asked, {{"device", "device"}, {"renewal", "number"}});
  std::printf("%zu %s asked for a new key; 'skinkctl renewals' says how far each is\n", count,
              count == 1 ? "device is" : "devices are");
  return kOk;
}

}  // namespace skink::ctl
