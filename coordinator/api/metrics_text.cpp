/// @file
/// /metrics: names and units as Prometheus wants them, and no device id as a label. docs/metrics.md lists them.

#include <fmt/format.h>

#include <chrono>
#include <filesystem>
#include <fstream>
#include <sstream>

#include "api_json.hpp"
#include "gateway_metrics.hpp"
#include "skink/coordinator/api/api.hpp"
#include "skink/host/program/build.hpp"

namespace skink::coordinator::api {
namespace {

const std::chrono::system_clock::time_point kStarted = std::chrono::system_clock::now();

/// Families one after the other, each with its help and type.
class Exposition {
 public:
  void family(const char* name, const char* type, const char* help) {
    name_ = name;
    text_ += fmt::format("# HELP {} {}\n# TYPE {} {}\n", name, help, name, type);
  }
  template <class Value>
  void sample(Value value, const std::string& labels = "", const char* suffix = "") {
    text_ += fmt::format("{}{}{} {}\n", name_, suffix, labels.empty() ? "" : "{" + labels + "}", value);
  }
  template <class Value>
  void one(const char* name, const char* type, const char* help, Value value) {
    family(name, type, help);
    sample(value);
  }
  template <class Histogram>
  void histogram(const Histogram& durations) {
    for (std::size_t i = 0; i < durations.up_to.size(); ++i) {
      sample(durations.up_to[i], fmt::format("le=\"{}\"", Histogram::kBoundsS[i]), "_bucket");
    }
    sample(durations.count, "le=\"+Inf\"", "_bucket");
    sample(durations.sum_s, "", "_sum");
    sample(durations.count, "", "_count");
  }
  std::string take() { return std::move(text_); }

 private:
  std::string name_;
  std::string text_;
};

void add_service(const ServiceState& state, Exposition& out) {
  out.family("skink_build_info", "gauge", "What this program was made from; always 1.");
  out.sample(1, fmt::format("version=\"{}\",compiler=\"{}\"", kSkinkVersion, kCompiler));
  out.family("skink_service_phase", "gauge", "1 for what the service does now, else 0.");
  for (const ServicePhase phase :
       {ServicePhase::kIdle, ServicePhase::kBrokerLost, ServicePhase::kStandby, ServicePhase::kWaiting,
        ServicePhase::kRunning, ServicePhase::kStalled, ServicePhase::kPaused}) {
    out.sample(state.phase == phase ? 1 : 0, fmt::format("phase=\"{}\"", service_phase_text(phase)));
  }
  out.one("skink_broker_connected", "gauge", "Is there a connection to the broker?", state.connected ? 1 : 0);
  out.family("skink_devices", "gauge", "Devices by what is known of their presence.");
  out.sample(state.devices_online, "state=\"online\"");
  out.sample(state.devices_unconfirmed, "state=\"unconfirmed\"");
  if (state.run == 0) return;  // of no run nothing is said
  out.one("skink_run_number", "gauge", "Number of the run that is open.", state.run);
  out.one("skink_run_rounds", "gauge", "Rounds of the run that is open.", state.rounds);
  out.one("skink_run_rounds_done", "gauge", "Rounds of it that are finished.", state.rounds_done);
  out.one("skink_run_seconds_since_round", "gauge", "Since a round or evaluation of it was finished, or it was opened.",
          static_cast<double>(state.since_round_ms) / 1000);
}

void add_counters(const FleetCounters& counters, Exposition& out) {
  out.family("skink_round_duration_seconds", "histogram", "How long rounds took.");
  out.histogram(counters.rounds);
  out.family("skink_round_overhead_seconds", "histogram",
             "From a round's last answer until it was durable and the next devices were asked.");
  out.histogram(counters.overheads);
  out.family("skink_updates_total", "counter", "Slots of rounds by what became of them.");
  out.sample(counters.updates, "outcome=\"taken\"");
  out.sample(counters.replaced, "outcome=\"replaced\"");
  out.sample(counters.diverged, "outcome=\"diverged\"");
  out.sample(counters.refused, "outcome=\"refused\"");
  out.one("skink_evaluation_devices_missing_total", "counter", "Held-out devices that gave no report.",
          counters.missing);
  out.one("skink_broker_disconnections_total", "counter", "Connections to the broker that were lost or failed.",
          counters.connections_lost);
  if (!counters.last_evaluation) return;
  const rounds::EvaluationRecord& last = *counters.last_evaluation;
  const auto pair = [&out](const char* name, const char* help, const std::optional<double>& before,
                           const std::optional<double>& after) {
    if (!before || !after) return;  // nobody answered
    out.family(name, "gauge", help);
    out.sample(*before, "adaptation=\"before\"");
    out.sample(*after, "adaptation=\"after\"");
  };
  pair("skink_evaluation_loss", "Query loss of the last evaluation, before and after adaptation.", last.loss_before(),
       last.loss_after());
  if (!counters.classifies) return;
  pair("skink_evaluation_accuracy_ratio", "Accuracy of the last evaluation, before and after adaptation.",
       last.accuracy_before(), last.accuracy_after());
}

std::uint64_t folder_bytes(const std::string& folder) {
  std::uint64_t bytes = 0;
  std::error_code code;
  for (auto file = std::filesystem::recursive_directory_iterator(folder, code);
       !code && file != std::filesystem::recursive_directory_iterator(); file.increment(code)) {
    std::error_code vanished;  // a log that SQLite has just removed
    const auto size = file->file_size(vanished);
    if (!vanished) bytes += size;
  }
  return bytes;
}

/// Of Linux: /proc. A figure that cannot be read is left out.
void add_process(Exposition& out) {
  std::ifstream status("/proc/self/statm");
  std::uint64_t pages = 0;
  std::uint64_t resident = 0;
  if (status >> pages >> resident) {
    out.one("process_resident_memory_bytes", "gauge", "Resident memory.", resident * 4096);
  }
  std::ifstream stat("/proc/self/stat");
  std::string line;
  if (std::getline(stat, line) && line.rfind(')') != std::string::npos) {
    std::istringstream fields(line.substr(line.rfind(')') + 2));
    std::string skipped;
    std::uint64_t user = 0;
    std::uint64_t system = 0;
    for (int i = 0; i < 11; ++i) fields >> skipped;
    if (fields >> user >> system) {
      out.one("process_cpu_seconds_total", "counter", "User and system time.",
              static_cast<double>(user + system) / 100);
    }
  }
  std::uint64_t open = 0;
  std::error_code code;
  for (auto file = std::filesystem::directory_iterator("/proc/self/fd", code);
       !code && file != std::filesystem::directory_iterator(); file.increment(code)) {
    ++open;
  }
  if (!code) out.one("process_open_fds", "gauge", "Open file descriptors.", open);
  const auto since = std::chrono::duration<double>(kStarted.time_since_epoch()).count();
  out.one("process_start_time_seconds", "gauge", "When the process started, since 1970.", since);
}

}  // namespace

void Api::show_metrics(const http::Request& /*request*/, http::Responder respond) {
  Exposition machine;  // files are looked at here: the service's thread leads rounds
  machine.one("skink_store_bytes", "gauge", "Size of the state folder.", folder_bytes(state_folder_));
  add_process(machine);
  service_.post([this, machine = machine.take() + gateway_metrics(state_folder_, certificates_),
                 respond = std::make_shared<http::Responder>(std::move(respond))](FleetService& service) {
    Exposition out;
    add_service(service.state(), out);
    add_counters(service.counters(), out);
    if (statistics_) {
      const http::Statistics http = statistics_();
      out.one("skink_http_requests_total", "counter", "Requests that were answered.", http.requests);
      out.one("skink_http_connections", "gauge", "Open connections.", http.connections);
      out.one("skink_http_streams", "gauge", "Open streams of events.", http.streams);
      out.one("skink_http_refused_connections_total", "counter", "Connections beyond the limits.",
              http.refused_connections);
      out.one("skink_http_displaced_connections_total", "counter",
              "Connections without a request, closed for one of another address.", http.displaced_connections);
      out.one("skink_http_paced_requests_total", "counter", "Requests and connections that had to wait.",
              http.paced_requests);
    }
    http::Response response;
    response.content_type = "text/plain; version=0.0.4; charset=utf-8";
    response.body = http::Body(out.take() + machine);
    (*respond)(std::move(response));
  });
}

}  // namespace skink::coordinator::api
