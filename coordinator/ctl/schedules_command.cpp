#include "schedules_command.hpp"

#include "failure.hpp"

namespace skink::ctl {

SchedulesCommand::SchedulesCommand(Command app)
    : schedules_(app.command("schedules", "Runs that the service queues again and again: lists, adds, pauses them")) {
  list_ = schedules_.command("list", "All of them, as 'schedules' alone does");
  show_ = schedules_.command("show", "One schedule");
  add_ = schedules_.command("add", "Queues runs of an experiment after a time, or when devices say that it is time");
  order_.add_to(add_);
  add_.option("--name", name_, "For people; default: the experiment's");
  add_.option("--every", every_s_, "Seconds from one run to the next").range(1U, 0x7fffffffU);
  add_.option("--first", first_s_, "Seconds to the first run; default: as --every").range(0U, 0x7fffffffU);
  add_.option("--devices-worse", worse_, "A run when so many devices say that adapting their release does not help")
      .range(1U, 100'000U);
  add_.option("--new-devices", new_devices_, "A run when so many devices were first seen since the last one")
      .range(1U, 100'000U);
  add_.flag("--from-latest", from_latest_, "Each run begins with the latest model that the schedule has learned");
  pause_ = schedules_.command("pause", "Queues no run until it is resumed");
  resume_ = schedules_.command("resume", "Goes on; its time begins anew");
  remove_ = schedules_.command("remove", "Ends a schedule; its runs and models stay");
  for (Command command : {show_, pause_, resume_, remove_}) {
    command.option("schedule", number_, "Its number").required();
  }
  for (Command command : {schedules_, list_, show_, add_, pause_, resume_, remove_}) options_.add_to(command);
}

int SchedulesCommand::run() {
  const auto link = ServiceLink::open(options_);
  if (!link) return fail(link.error());
  if (add_.parsed()) return add(*link);
  if (show_.parsed()) return show_object(*link, link->get(target()));
  if (pause_.parsed()) return enable(*link, false);
  if (resume_.parsed()) return enable(*link, true);
  if (remove_.parsed()) return remove(*link);
  return show_list(*link, "/api/v1/schedules",
                   {{"schedule", "number"},
                    {"name", "name"},
                    {"every s", "every_s"},
                    {"worse", "devices_worse"},
                    {"new", "new_devices"},
                    {"enabled", "enabled"},
                    {"runs", "runs"},
                    {"last run", "last_run"},
                    {"next", "next"}});
}

int SchedulesCommand::add(const ServiceLink& link) const {
  auto order = order_.body();
  if (!order) return fail(order.error());
  (*order)["name"] = name_;
  (*order)["every_s"] = every_s_;
  if (first_s_ != kNotSaid) (*order)["first_s"] = first_s_;
  (*order)["devices_worse"] = worse_;
  (*order)["new_devices"] = new_devices_;
  (*order)["from_latest"] = from_latest_;
  const auto schedule = link.change("POST", "/api/v1/schedules", *order);
  if (!schedule || link.json()) return show_object(link, schedule);
  const std::string next = text_of(*schedule, "next");
  std::printf(
      "schedule %s '%s': %s\n", text_of(*schedule, "number").c_str(), text_of(*schedule, "name").c_str(),
      next == "-" ? "a run is queued when its devices say so" : ("the next run by time is queued at " + next).c_str());
  const boost::json::value* notes = schedule->if_contains("notes");
  if (notes == nullptr || !notes->is_array()) return kOk;
  for (const auto& note : notes->get_array()) {
    std::fprintf(stderr, "skinkctl: %s\n", text_of(note).c_str());
  }
  return kOk;
}

int SchedulesCommand::enable(const ServiceLink& link, bool enabled) const {
  const auto schedule = link.change("PATCH", target(), {{"enabled", enabled}});
  if (!schedule || link.json()) return show_object(link, schedule);
  std::printf("schedule %u is %s\n", number_, enabled ? "resumed" : "paused");
  return kOk;
}

int SchedulesCommand::remove(const ServiceLink& link) const {
  const auto removed = link.change("DELETE", target(), {});
  if (!removed || link.json()) return show_object(link, removed);
  std::printf("schedule %u is removed\n", number_);
  return kOk;
}

}  // namespace skink::ctl
