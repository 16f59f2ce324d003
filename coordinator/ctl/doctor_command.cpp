#include "doctor_command.hpp"

#include <algorithm>

#include "failure.hpp"
#include "service_link.hpp"
#include "skink/host/program/build.hpp"

namespace skink::ctl {
namespace {

using doctor::Finding;
using doctor::Grade;

/// What the service says of itself. @param[out] has_broker  is it connected?
std::vector<Finding> ask_service(const coordinator::Settings& settings, bool& has_broker) {
  LinkOptions options;
  options.socket = settings.http_socket;
  const auto link = ServiceLink::open(options);
  const auto status = link ? link->get("/api/v1/status") : Result<boost::json::object>(link.error());
  if (!status) {
    return {
        {Grade::kWarning, "service.reachable", status.error().message, "start it: skink-coordinator --config FILE"}};
  }
  const boost::json::value* connected = status->if_contains("broker_connected");
  has_broker = connected != nullptr && connected->is_bool() && connected->get_bool();
  std::vector<Finding> findings{{Grade::kOk, "service.reachable", settings.http_socket + ": answers", ""}};
  const std::string phase = text_of(*status, "phase");
  const std::string reason = text_of(*status, "reason");
  const std::string said = phase + (reason.empty() || reason == "-" ? "" : ": " + reason);
  if (phase == "broker lost") {
    findings.push_back({Grade::kError, "service.phase", said, "see the checks of the broker"});
  } else if (phase == "standby") {
    has_broker = true;  // of the other coordinator, which a client of the same name would throw out
    findings.push_back({Grade::kError, "service.phase", said, "stop one of the two coordinators"});
  } else if (phase == "stalled" || phase == "waiting") {
    findings.push_back({Grade::kWarning, "service.phase", said, "skinkctl devices; skinkctl events"});
  } else {
    findings.push_back({Grade::kOk, "service.phase", said, ""});
  }
  const auto version = link->get("/version");
  const std::string theirs = version ? text_of(*version, "version") : "unknown";
  const bool same = theirs == kSkinkVersion;
  findings.push_back({same ? Grade::kOk : Grade::kWarning, "service.version",
                      "service " + theirs + ", skinkctl " + kSkinkVersion,
                      same ? "" : "restart the service after an upgrade"});
  return findings;
}

void append(std::vector<Finding>& all, std::vector<Finding> more) {
  all.insert(all.end(), std::make_move_iterator(more.begin()), std::make_move_iterator(more.end()));
}

/// Of the first error; docs/exit-codes.md.
ExitCode code_of(const std::vector<Finding>& findings) {
  const auto error = std::find_if(findings.begin(), findings.end(),
                                  [](const Finding& finding) { return finding.grade == Grade::kError; });
  if (error == findings.end()) return ExitCode::kOk;
  const auto is_of = [&error](std::string_view area) { return error->check.compare(0, area.size(), area) == 0; };
  if (is_of("configuration")) return ExitCode::kConfiguration;
  if (is_of("state")) return ExitCode::kStore;
  if (is_of("broker.dns") || is_of("broker.tcp") || is_of("broker.alone") || is_of("service"))
    return ExitCode::kUnreachable;
  return is_of("broker.size") ? ExitCode::kConfiguration : ExitCode::kCredentials;
}

}  // namespace

DoctorCommand::DoctorCommand(Command app)
    : command_(app.command("doctor", "Checks a gateway: certificates, broker, access list, state, service")) {
  command_.option("--config", config_, "The coordinator's configuration").required();
  command_.flag("--json", json_, "Prints JSON");
}

int DoctorCommand::run() const {
  const auto settings = coordinator::read_settings(config_);
  if (!settings) {
    return show(
        {{Grade::kError, "configuration", settings.error().message, "docs/coordinator-config.md lists the keys"}});
  }
  std::vector<Finding> findings{{Grade::kOk, "configuration", config_ + ": can be read", ""}};
  append(findings, doctor::check_certificates(*settings));
  append(findings, doctor::check_state(*settings));
  bool has_broker = false;
  std::vector<Finding> service = ask_service(*settings, has_broker);
  append(findings,
         doctor::check_broker(*settings, has_broker ? doctor::Connection::kReachable : doctor::Connection::kFull));
  if (has_broker) {
    findings.push_back(
        {Grade::kOk, "broker.mqtt",
         "the service is connected; access list and message size are tried while it is stopped: the broker lets "
         "one client of a name in",
         ""});
  }
  append(findings, std::move(service));
  return show(findings);
}

int DoctorCommand::show(const std::vector<Finding>& findings) const {
  boost::json::array items;
  for (const Finding& finding : findings) {
    if (json_) {
      items.push_back({{"grade", doctor::grade_text(finding.grade)},
                       {"check", finding.check},
                       {"text", printable(finding.text)},
                       {"remedy", printable(finding.remedy)}});
      continue;
    }
    const std::string remedy = finding.remedy.empty() ? "" : " -> " + finding.remedy;
    std::printf("%-8s %-28s %s%s\n", doctor::grade_text(finding.grade), finding.check.c_str(),
                printable(finding.text).c_str(), printable(remedy).c_str());
  }
  if (json_) {
    const char* worst = doctor::grade_text(doctor::worst_of(findings));
    std::printf("%s\n", boost::json::serialize(boost::json::object{{"worst", worst}, {"items", items}}).c_str());
  }
  return static_cast<int>(code_of(findings));
}

}  // namespace skink::ctl
