#include "events_command.hpp"

#include <chrono>
#include <thread>

#include "failure.hpp"

namespace skink::ctl {
namespace {

using coordinator::client::StreamEvent;

constexpr std::chrono::milliseconds kRetryTime{1'000};

/// A round, or what stands in the log too.
void print_event(const StreamEvent& event, const boost::json::object& data) {
  const std::string type = printable(event.type);
  if (event.type == "round") {
    std::printf("%-20s  %-7s  %s: run %s, round %s of %s\n", "", "info", type.c_str(), text_of(data, "run").c_str(),
                text_of(data, "rounds_done").c_str(), text_of(data, "rounds").c_str());
  } else {
    std::printf("%-20s  %-7s  %s: %s\n", text_of(data, "at").c_str(), text_of(data, "level").c_str(), type.c_str(),
                text_of(data, "text").c_str());
  }
}

void show_event(const ServiceLink& link, const StreamEvent& event) {
  boost::system::error_code code;
  const boost::json::value data = boost::json::parse(event.data, code);
  if (code || !data.is_object()) return;
  if (event.id.empty()) {
    std::fprintf(stderr, "skinkctl: events before this one are missing here; 'skinkctl events' has those of the log\n");
  } else if (link.json()) {
    std::printf("%s\n", boost::json::serialize(data).c_str());
  } else {
    print_event(event, data.get_object());
  }
  std::fflush(stdout);
}

}  // namespace

EventsCommand::EventsCommand(Command app) : command_(app.command("events", "What the service has in its log")) {
  options_.add_to(command_);
  command_.choice<std::string, std::string>(
      "--level", level_, {{"info", "info"}, {"warning", "warning"}, {"error", "error"}}, "Those of this level");
  command_.option("--event", event_, "Those of this name, as run.begun (docs/fleet-store.md)");
  command_.option("--device", device_, "Those of this device");
  command_.option("--last", last_, "The last so many of them; default: all that the service has at hand")
      .range(1U, 0x7fffffffU);
  command_.flag("--follow", follow_, "What happens from now on, until Ctrl-C; with --json an object a line");
}

int EventsCommand::run() {
  const auto link = ServiceLink::open(options_);
  if (!link) return fail(link.error());
  if (!follow_) return list(*link);
  if (!level_.empty() || !event_.empty() || !device_.empty() || last_ != 0) {
    return fail(ExitCode::kUsage,
                "--follow shows what happens from now on, of every kind; the others select of the log");
  }
  return follow(*link);
}

int EventsCommand::list(const ServiceLink& link) const {
  return show_list(
      link, with_query("/api/v1/log", {{"level", level_}, {"event", event_}, {"device", device_}}),
      {{"at", "at"}, {"level", "level"}, {"event", "event"}, {"run", "run"}, {"device", "device"}, {"text", "text"}},
      last_);
}

/// A connection that was there once is made again until Ctrl-C: a service that is started again is worth waiting for.
int EventsCommand::follow(const ServiceLink& link) const {
  std::string last_id;
  bool was_there = false;
  bool was_told = false;
  while (true) {
    const auto answer = link.client().follow("/api/v1/events", last_id, [&](const StreamEvent& event) {
      was_there = true;
      was_told = false;
      if (!event.id.empty()) last_id = event.id;
      show_event(link, event);
      return std::ferror(stdout) == 0;
    });
    if (answer && answer->status != 200) return fail(refusal_of(*answer));
    if (std::ferror(stdout) != 0) return kOk;  // end_program() says so
    if (!answer && (!was_there || answer.error().code != Status::kUnavailable)) return fail(answer.error());
    was_there = true;
    if (!was_told) std::fprintf(stderr, "skinkctl: the connection is lost; trying again\n");
    was_told = true;
    std::this_thread::sleep_for(kRetryTime);
  }
}

}  // namespace skink::ctl
