#include "skink/edge/linux/client_host.hpp"

#include <algorithm>
#include <array>
#include <bit>
#include <thread>
#include <utility>

#include "skink/common/arithmetic/canary.hpp"
#include "skink/edge/linux/turn_pool.hpp"
#include "skink/host/experiment/device_memory.hpp"
#include "skink/host/files/files.hpp"
#include "skink/host/program/float_environment.hpp"

namespace skink::edge {
namespace {

/// A turn this long keeps a thousand clients on two cores served twice a second or so, and costs nothing to change.
constexpr std::chrono::microseconds kTurnBudget(5000);
constexpr std::uint64_t kLongestWaitMs = 50;
constexpr std::uint64_t kReportMs = 1000;
/// A certificate that is refused this long will not be accepted later.
constexpr std::uint64_t kCredentialPatienceMs = 5000;
constexpr std::chrono::milliseconds kGoodbyeGrace(500);
constexpr std::chrono::milliseconds kGoodbyeTimeout(1200);

/// ", 3 refused: does not fit" for each reason there was.
std::string refusals_text(const ClientCounters& counters) {
  std::string text;
  for (std::size_t reason = 0; reason < wire::kRefusalCount; ++reason) {
    if (counters.refused[reason] == 0) continue;
    text += ", " + std::to_string(counters.refused[reason]) + " refused (" +
            wire::refusal_text(static_cast<wire::Refusal>(reason)) + ")";
  }
  return text;
}

void append_count(std::string& text, std::uint32_t count, const char* what) {
  if (count > 0) text += ", " + std::to_string(count) + " " + what;
}

}  // namespace

ClientCounters sum_of(const ClientCounters& one, const ClientCounters& other) noexcept {
  using Counts = std::array<std::uint32_t, sizeof(ClientCounters) / sizeof(std::uint32_t)>;
  static_assert(sizeof(Counts) == sizeof(ClientCounters) && std::has_unique_object_representations_v<ClientCounters>);
  auto sum = std::bit_cast<Counts>(one);  // so that no counter can be left out
  const auto more = std::bit_cast<Counts>(other);
  for (std::size_t i = 0; i < sum.size(); ++i) sum[i] += more[i];
  return std::bit_cast<ClientCounters>(sum);
}

ClientHost::ClientHost(const ClientHostOptions& options) : options_(options), connections_(options.device_ids.size()) {}

ClientHost::~ClientHost() = default;

Result<std::unique_ptr<ClientHost>> ClientHost::create(const Experiment& experiment, const TaskGenerator& generator,
                                                       const ClientHostOptions& options) {
  std::unique_ptr<ClientHost> host(new ClientHost(options));
  if (!options.state.empty()) {
    if (const Result<void> made = make_folder(options.state); !made) return because(made.error(), Cause::kStore);
    auto lock = FolderLock::take(options.state, "another skink-edge keeps its state there; give each its own --state");
    if (!lock) return because(lock.error(), Cause::kStore);
    host->state_lock_ = std::move(*lock);
  }
  HostedClientOptions client;
  client.fleet = options.fleet;
  client.broker = options.broker;
  const DeviceMemory needed = device_memory(experiment);
  client.arena_bytes = options.arena_bytes != 0 ? options.arena_bytes : needed.arena();
  client.model_bytes = needed.model;
  client.state = options.state;
  for (const std::string& id : options.device_ids) {
    Result<DeviceCredentials> credentials = read_credentials(options.identity, id);
    if (!credentials) return credentials.error();
    client.index = host->clients_.size();
    client.credentials = std::move(*credentials);
    Result<std::unique_ptr<HostedClient>> created = HostedClient::create(host->queue_, client, generator);
    if (!created) return created.error();
    host->clients_.push_back(std::move(*created));
  }
  return host;
}

ExitCode ClientHost::run(const std::atomic<bool>& stop) {
  const arithmetic::Canary canary = prepare_thread_arithmetic();
  if (canary != arithmetic::Canary::kSound) {
    log(LogLevel::kError, "program.failed", arithmetic::canary_text(canary));
    return ExitCode::kUnsoundArithmetic;
  }
  const unsigned wanted = options_.threads != 0 ? options_.threads : std::max(1U, std::thread::hardware_concurrency());
  const auto threads = static_cast<unsigned>(std::min<std::size_t>(wanted, clients_.size()));
  const std::uint64_t start_ms = steady_now_ms();
  ExitCode code = ExitCode::kOk;
  {
    TurnPool pool(
        clients_.size(), threads, [this](std::size_t client) { return clients_[client]->take_turn(kTurnBudget); },
        [this] { is_unsound_ = true; });
    std::vector<mqtt::Event> events;
    while (!stop && !has_failed(steady_now_ms() - start_ms, code)) {
      const std::uint64_t now_ms = steady_now_ms();
      const std::uint64_t next_ms = std::min(pool.want_turns_due(now_ms), now_ms + kLongestWaitMs);
      queue_.wait(events, std::chrono::milliseconds(next_ms - now_ms));
      for (mqtt::Event& event : events) {
        const std::size_t client = event.session;
        note_connection(event);
        clients_[client]->post(std::move(event));
        pool.want_turn(client);
      }
      pool.help();
      report(steady_now_ms());
      if (options_.on_turn) options_.on_turn(connected_count_);
    }
  }
  if (stop) code = ExitCode::kOk;
  say_goodbye();
  report_progress();
  return code;
}

bool ClientHost::has_failed(std::uint64_t waited_ms, ExitCode& code) const {
  code = ExitCode::kOk;
  if (is_unsound_) {
    log(LogLevel::kError, "program.failed", "the floating point of a thread is not sound");
    code = ExitCode::kUnsoundArithmetic;
  } else if (!ever_connected_) {
    const bool refused = std::all_of(connections_.begin(), connections_.end(),
                                     [](const Connection& connection) { return connection.failed_by_certificate; });
    const auto timeout_ms = static_cast<std::uint64_t>(options_.connect_timeout.count()) * 1000;
    if (refused && waited_ms >= kCredentialPatienceMs) {
      log(LogLevel::kError, "program.failed", connections_.front().trouble);
      code = ExitCode::kCredentials;
    } else if (timeout_ms > 0 && waited_ms >= timeout_ms) {
      const std::string& trouble = connections_.front().trouble;
      log(LogLevel::kError, "program.failed",
          "no connection within " + std::to_string(options_.connect_timeout.count()) +
              " s: " + (trouble.empty() ? "the broker does not answer" : trouble));
      code = refused ? ExitCode::kCredentials : ExitCode::kUnreachable;
    }
  }
  return code != ExitCode::kOk;
}

void ClientHost::note_connection(const mqtt::Event& event) {
  Connection& connection = connections_[event.session];
  switch (event.kind) {
    case mqtt::EventKind::kConnected:
      log(LogLevel::kDebug, "device.connected", clients_[event.session]->device_id() + ": connected",
          clients_[event.session]->device_id());
      connection = {true, false, {}};
      ever_connected_ = true;
      ++connected_count_;
      return;
    case mqtt::EventKind::kDisconnected:
      log(LogLevel::kDebug, "device.disconnected", clients_[event.session]->device_id() + ": " + event.text,
          clients_[event.session]->device_id());
      if (connection.is_up) --connected_count_;
      connection = {false, event.reason == mqtt::DisconnectReason::kCertificate, event.text};
      return;
    case mqtt::EventKind::kProblem:
      log(LogLevel::kWarning, "device.problem", clients_[event.session]->device_id() + ": " + event.text,
          clients_[event.session]->device_id());
      return;
    default: return;
  }
}

// ---- reports --------------------------------------------------------------------------------------------------------

void ClientHost::log(LogLevel level, const char* event, const std::string& text, const std::string& device) const {
  if (options_.log) options_.log({level, event, text, 0, device});
}

ClientCounters ClientHost::counters() const {
  ClientCounters sum;
  for (const auto& client : clients_) sum = sum_of(sum, client->counters());
  return sum;
}

void ClientHost::report(std::uint64_t now_ms) {
  if (now_ms - reported_ms_ < kReportMs) return;
  reported_ms_ = now_ms;
  report_trouble();
  report_progress();
}

/// Silent when nothing changed.
void ClientHost::report_progress() {
  const ClientCounters sum = counters();
  std::string text = std::to_string(connected_count_) + "/" + std::to_string(clients_.size()) + " connected, " +
                     std::to_string(sum.tasks) + " tasks, " + std::to_string(sum.adapted) + " adapted, " +
                     std::to_string(sum.evaluated) + " evaluated, " + std::to_string(sum.accepted) + " accepted";
  append_count(text, sum.releases, "releases kept");
  append_count(text, sum.patched, "patched");
  append_count(text, sum.patches_failed, "chains of patches failed");
  append_count(text, sum.diverged, "diverged");
  append_count(text, sum.refused_by_coordinator, "refused by the coordinator");
  append_count(text, sum.repeats, "repeated");
  append_count(text, sum.retries, "retries");
  append_count(text, sum.wrong_authentication, "with wrong authentication");
  append_count(text, sum.damaged_messages, "damaged messages");
  text += refusals_text(sum);
  if (text == last_progress_) return;
  last_progress_ = text;
  log(LogLevel::kInfo, "devices.progress", text);
}

/// One line for all clients that cannot connect: the same reason mostly holds for all.
void ClientHost::report_trouble() {
  std::size_t count = 0;
  std::size_t first = 0;
  for (std::size_t i = connections_.size(); i-- > 0;) {
    if (connections_[i].is_up || connections_[i].trouble.empty()) continue;
    ++count;
    first = i;
  }
  if (count == 0) {
    last_trouble_.clear();
    return;
  }
  std::string text = clients_[first]->device_id() + ": " + connections_[first].trouble;
  if (count > 1) text += " (and " + std::to_string(count - 1) + " more are not connected)";
  if (text == last_trouble_) return;
  last_trouble_ = text;
  log(LogLevel::kWarning, "broker.lost", text, clients_[first]->device_id());
}

// ---- the end --------------------------------------------------------------------------------------------------------

void ClientHost::say_goodbye() {
  for (const auto& client : clients_) client->say_goodbye(kGoodbyeGrace);
  std::vector<bool> gone(clients_.size(), false);
  std::size_t left = clients_.size();
  std::vector<mqtt::Event> events;
  const auto deadline = std::chrono::steady_clock::now() + kGoodbyeTimeout;
  while (left > 0 && std::chrono::steady_clock::now() < deadline) {
    queue_.wait(events, std::chrono::milliseconds(50));
    for (const mqtt::Event& event : events) {
      if (event.kind != mqtt::EventKind::kDisconnected || gone[event.session]) continue;
      gone[event.session] = true;
      --left;
    }
  }
}

}  // namespace skink::edge
