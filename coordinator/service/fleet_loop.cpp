#include "skink/coordinator/service/fleet_loop.hpp"

#include <algorithm>
#include <random>
#include <thread>
#include <utility>

#include "skink/coordinator/provisioning/revoked_list.hpp"
#include "skink/host/files/files.hpp"

namespace skink::coordinator {
namespace {

constexpr std::uint64_t kLongestTurnMs = 100;
constexpr std::uint64_t kRevokedReadMs = 1000;
constexpr std::uint64_t kShortConnectionMs = 15000;
constexpr std::uint32_t kManyShortConnections = 3;
constexpr std::uint64_t kContestSilenceMs = 3'600'000;
constexpr std::uint64_t kClearMs = 30000;    // how long a finished run waits for the broker
constexpr std::uint64_t kWithdrawMs = 2000;  // and one that is stopped

std::uint64_t random_nonce() {
  std::random_device device;
  return std::uint64_t{device()} << 32 | device();
}

std::uint32_t cores() { return std::max(1U, std::thread::hardware_concurrency()); }

bool is_of_connection(const mqtt::Event& event) {
  return event.kind == mqtt::EventKind::kConnected || event.kind == mqtt::EventKind::kDisconnected;
}

}  // namespace

FleetLoop::FleetLoop(const Settings& settings, const crypto::Key& master_key)
    : settings_(settings),
      master_key_(master_key),
      workers_(settings.threads == 0 ? cores() : settings.threads),
      devices_(master_key, settings.fleet, random_nonce()),
      idle_(devices_),
      broker_(settings_),
      lease_(claimant_of(settings.state.empty() ? settings.store : settings.state), devices_.key_of(Lease::kKeyId),
             std::to_string(random_nonce())) {}

Result<std::unique_ptr<FleetLoop>> FleetLoop::create(const Settings& settings) {
  const auto master_key = read_key(settings.master_key);
  if (!master_key) return master_key.error();
  std::unique_ptr<FleetLoop> loop(new FleetLoop(settings, *master_key));
  if (!settings.revoked.empty()) {
    auto revoked = provisioning::read_revoked_list(settings.revoked);
    if (!revoked) return revoked.error();
    loop->first_revoked_ = std::move(*revoked);
  }
  return loop;
}

RunHost FleetLoop::run_host() {
  return {master_key_, settings_.fleet, &devices_, settings_.model_chunk_bytes, rounds::Executor::of(workers_)};
}

std::uint64_t FleetLoop::now_ms() const {
  return static_cast<std::uint64_t>(
      std::chrono::duration_cast<std::chrono::milliseconds>(std::chrono::steady_clock::now() - start_).count());
}

Result<void> FleetLoop::connect(Refusal refusal) {
  refusal_ = refusal;
  return broker_.open();
}

void FleetLoop::leave() {
  if (is_connected()) broker_.keep_claim("");
  broker_.leave();
}

void FleetLoop::begin(std::unique_ptr<ActiveRun> run, const ServiceObserver& observer) {
  run_ = std::move(run);
  finished_ms_ = 0;
  run_->core().observe_updates(observer.on_update);
  if (is_connected()) run_->core().attach(now_ms());
}

std::unique_ptr<ActiveRun> FleetLoop::end() {
  if (is_connected()) idle_.attach();
  return std::move(run_);
}

// ---- a turn ---------------------------------------------------------------------------------------------------------

Turn FleetLoop::turn(const ServiceObserver& observer) {
  revoke(std::exchange(first_revoked_, {}), observer);
  const std::uint64_t now = now_ms();
  const std::uint64_t wake = run_ ? run_->core().next_wake_ms() : idle_.next_wake_ms();
  const std::uint64_t wait = wake > now ? std::min<std::uint64_t>(wake - now, kLongestTurnMs) : 0;
  std::vector<mqtt::Event> events = std::exchange(put_off_, {});
  if (events.empty()) broker_.wait(events, std::chrono::milliseconds(wait));
  const auto began = events.empty() ? std::chrono::steady_clock::now() : events.back().at;
  const std::uint32_t before = run_ ? run_->core().rounds_done() : 0;
  const Turn turn = take_turn(events, observer);
  if (run_ && run_->core().rounds_done() > before && observer.on_overhead) {
    observer.on_overhead(std::chrono::duration<double>(std::chrono::steady_clock::now() - began).count());
  }
  return turn;
}

Turn FleetLoop::take_turn(const std::vector<mqtt::Event>& events, const ServiceObserver& observer) {
  if (!handle(events, observer)) return Turn::kStoreFailed;
  if (credentials_refused_) return Turn::kCredentialsRefused;
  lease_.on_time(now_ms());
  follow_lease(observer);
  read_revoked(observer);
  if (run_) {
    run_->core().on_time(now_ms());
  } else {
    idle_.on_time(now_ms());
  }
  if (!carry_out(observer)) return Turn::kStoreFailed;
  broker_.flush();
  return Turn::kDone;
}

/// What the core says to all of them is carried out together, so that it can decode many changes at once. What was said
/// before the connection came or went belongs before it. False when the store failed.
bool FleetLoop::handle(const std::vector<mqtt::Event>& events, const ServiceObserver& observer) {
  for (const mqtt::Event& event : events) {
    if (collect(event)) continue;
    pass_updates();
    if (is_of_connection(event) && !carry_out(observer)) return false;
    handle(event, observer);
  }
  pass_updates();
  return carry_out(observer);
}

/// Updates that follow one another go to the core together. Borrows the event.
bool FleetLoop::collect(const mqtt::Event& event) {
  wire::Topic topic;
  if (event.kind != mqtt::EventKind::kMessage || !wire::parse_topic({event.topic.data(), event.topic.size()}, topic) ||
      topic.kind != wire::TopicKind::kUpdate) {
    return false;
  }
  if (!flood_guard_.admits({topic.device_id.data(), topic.device_id.size()}, now_ms())) return true;
  updates_.push_back({{topic.device_id.data(), topic.device_id.size()}, {event.payload.data(), event.payload.size()}});
  return true;
}

void FleetLoop::pass_updates() {
  if (run_) {
    run_->core().on_updates({updates_.data(), updates_.size()}, now_ms());
  } else {
    for (const Coordinator::Message& update : updates_) idle_.on_update(update.device_id, update.bytes);
  }
  updates_.clear();
}

void FleetLoop::handle(const mqtt::Event& event, const ServiceObserver& observer) {
  broker_.note(event);
  switch (event.kind) {
    case mqtt::EventKind::kConnected:
      was_connected_ = true;
      connected_ms_ = now_ms();
      broker_.ask(lease_.on_connected(now_ms()));
      follow_lease(observer);
      return;
    case mqtt::EventKind::kDisconnected:
      lease_.on_disconnected();
      follow_lease(observer);
      if (lease_.standing() == Lease::Standing::kStandby) return;
      if (run_) run_->core().on_disconnected();
      idle_.on_disconnected();
      trouble_ = disconnection_text(event);
      if (observer.on_log) observer.on_log(broker_.is_connected(), trouble_);
      if (event.reason == mqtt::DisconnectReason::kCertificate && !was_connected_ && refusal_ == Refusal::kEnds) {
        credentials_refused_ = true;
        failure_ = event.text;
      }
      return;
    case mqtt::EventKind::kMessage:
      if (event.topic == broker_.claim_topic()) {
        lease_.on_message({reinterpret_cast<const char*>(event.payload.data()), event.payload.size()}, event.retained,
                          now_ms());
        follow_lease(observer);
      } else {
        handle_message(event, observer);
      }
      return;
    case mqtt::EventKind::kProblem:
      if (observer.on_log) observer.on_log(broker_.is_connected(), event.text);
      return;
    case mqtt::EventKind::kPublished: broker_.flush(); return;
  }
}

/// A broker lets one client of a name in, and ends the connection of the other one.
std::string FleetLoop::disconnection_text(const mqtt::Event& event) {
  if (event.reason != mqtt::DisconnectReason::kLost) return event.text;
  short_connections_ = now_ms() - connected_ms_ < kShortConnectionMs ? short_connections_ + 1 : 0;
  if (short_connections_ < kManyShortConnections) return event.text;
  return event.text + "; " + std::to_string(short_connections_) +
         " connections in a row ended soon: does another coordinator lead this fleet, with the same certificate? Stop "
         "one";
}

// ---- the lease ------------------------------------------------------------------------------------------------------

void FleetLoop::follow_lease(const ServiceObserver& observer) {
  if (lease_.is_look_due(now_ms())) {
    lease_.begin_look();
    const auto opened = broker_.open();
    if (!opened) {
      failure_ = opened.error().message;
      credentials_refused_ = true;
    }
  }
  if (lease_.standing() == standing_) return;
  standing_ = lease_.standing();
  if (standing_ == Lease::Standing::kLeads) lead(observer);
  if (standing_ == Lease::Standing::kStandby) stand_by(observer);
}

void FleetLoop::lead(const ServiceObserver& observer) {
  trouble_.clear();
  if (observer.on_log) observer.on_log(true, "connected to the broker");
  if (lease_.is_unanswered() && observer.on_log) {
    observer.on_log(true, "the broker hands nothing back on " + broker_.claim_topic() +
                              ": does its access list let the coordinator read and write it? Until it does, a second "
                              "coordinator of this fleet is not kept away");
  }
  if (!lease_.other().empty()) {
    say_contest("another coordinator, " + lease_.other() +
                    ", would lead this fleet as well and stands by; it ends this one's connection with each look. Stop "
                    "one of the two",
                observer);
  }
  broker_.keep_claim(lease_.take_claim());
  broker_.subscribe();
  if (run_) {
    run_->core().on_connected(now_ms());
  } else {
    idle_.on_connected(now_ms());
  }
  if (observer.on_connected) observer.on_connected();
}

void FleetLoop::stand_by(const ServiceObserver& observer) {
  const std::string claim = lease_.take_claim();
  if (!claim.empty()) broker_.keep_claim(claim);
  broker_.rest();
  if (run_) run_->core().on_disconnected();
  idle_.on_disconnected();
  trouble_ = "another coordinator leads this fleet: " + lease_.other() +
             ". This one stands by, and leads when that one is stopped. Stop one of the two";
  say_contest(trouble_, observer);
}

/// Once, and then rarely.
void FleetLoop::say_contest(const std::string& text, const ServiceObserver& observer) {
  if (text == contest_ && now_ms() - contest_ms_ < kContestSilenceMs) return;
  contest_ = text;
  contest_ms_ = now_ms();
  if (observer.on_contest) observer.on_contest(text);
}

/// But for updates.
void FleetLoop::handle_message(const mqtt::Event& event, const ServiceObserver& observer) {
  wire::Topic topic;
  if (!wire::parse_topic({event.topic.data(), event.topic.size()}, topic)) return;
  const std::string_view id(topic.device_id.data(), topic.device_id.size());
  const Bytes payload{event.payload.data(), event.payload.size()};
  if (topic.kind == wire::TopicKind::kModel && event.retained) {
    const bool is_needed = run_ && run_->core().publishes(topic.slot, topic.chunk);
    if (!is_needed) broker_.remove_chunk(topic.kind, topic.slot, topic.chunk);  // of a run that was given up
  }
  if (topic.kind == wire::TopicKind::kReleaseModel && event.retained && observer.is_release_chunk) {
    const bool is_needed = observer.is_release_chunk(topic.slot, topic.chunk);
    if (!is_needed) broker_.remove_chunk(topic.kind, topic.slot, topic.chunk);
  }
  if (topic.kind == wire::TopicKind::kCredentials && observer.on_credentials && flood_guard_.admits(id, now_ms())) {
    observer.on_credentials(std::string(id), payload);
  }
  if (topic.kind != wire::TopicKind::kState || !flood_guard_.admits(id, now_ms())) return;
  const RefusalCounts before = run_ ? run_->core().refused() : idle_.refused();
  if (run_) {
    run_->core().on_state(id, payload, now_ms());
  } else {
    idle_.on_state(id, payload, now_ms());
  }
  strangers_.on_birth(id, before, run_ ? run_->core().refused() : idle_.refused(), now_ms());
}

/// False when the store failed; nothing later is carried out.
bool FleetLoop::carry_out(const ServiceObserver& observer) {
  if (run_) {
    const auto done = run_->carry_out(broker_, observer, now_ms());
    if (!done) failure_ = done.error().message;
    return done.has_value();
  }
  for (Action& action : idle_.take_actions()) broker_.publish(std::get<Publish>(std::move(action)));
  if (idle_notes_.is_due(now_ms())) {
    const StoreNotes notes = idle_notes_.take(devices_, idle_.refused(), now_ms());
    if (observer.on_devices && !notes.devices.empty()) observer.on_devices(notes.devices);
  }
  broker_.flush();
  return true;
}

// ---- the end --------------------------------------------------------------------------------------------------------

bool FleetLoop::is_over(const ServiceObserver& observer) {
  if (finished_ms_ == 0) finished_ms_ = now_ms();
  if (is_connected() && broker_.is_quiet()) {
    const auto noted = run_->set_cleared();
    if (!noted && observer.on_log) observer.on_log(broker_.is_connected(), noted.error().message);
    return true;
  }
  if (now_ms() - finished_ms_ < kClearMs) return false;
  if (observer.on_log) {
    observer.on_log(broker_.is_connected(),
                    "the broker has not confirmed that the model's chunks are removed; start again to remove them");
  }
  return true;
}

void FleetLoop::withdraw(const ServiceObserver& observer) {
  if (!run_ || !is_connected()) return;
  run_->core().withdraw();
  const std::uint64_t end = now_ms() + kWithdrawMs;
  if (!carry_out(observer)) return;
  std::vector<mqtt::Event> events;
  while (now_ms() < end && is_connected() && put_off_.empty() && !broker_.is_quiet()) {
    broker_.wait(events, std::chrono::milliseconds(50));
    for (mqtt::Event& event : events) {
      if (is_of_connection(event) || !put_off_.empty()) {
        put_off_.push_back(std::move(event));  // the next turn begins with it: subscriptions and lease depend on it
      } else {
        broker_.note(event);
      }
    }
    broker_.flush();
  }
}

// ---- revocation -----------------------------------------------------------------------------------------------------

/// The list may grow while the run goes on. One that cannot be read changes nothing.
void FleetLoop::read_revoked(const ServiceObserver& observer) {
  if (settings_.revoked.empty() || now_ms() - revoked_read_ms_ < kRevokedReadMs) return;
  revoked_read_ms_ = now_ms();
  const auto ids = provisioning::read_revoked_list(settings_.revoked);
  const std::string trouble = ids ? "" : ids.error().message + "; what was revoked before stays so";
  if (!trouble.empty() && trouble != revoked_trouble_ && observer.on_revoked) observer.on_revoked(trouble);
  revoked_trouble_ = trouble;
  if (ids) revoke(*ids, observer);
}

void FleetLoop::exclude(const std::string& id, bool is_excluded) {
  if (run_) {
    run_->core().exclude(id, is_excluded, now_ms());
  } else {
    devices_.exclude(id, is_excluded);
  }
}

void FleetLoop::revoke(const RevokedIds& ids, const ServiceObserver& observer) {
  std::string text;
  for (const std::string& id : ids) {
    if (!devices_.is_revoked(id)) text += (text.empty() ? "" : ", ") + id;
  }
  if (text.empty()) return;
  if (run_) {
    run_->core().revoke(ids, now_ms());
  } else {
    idle_.revoke(ids, now_ms());
  }
  if (!observer.on_revoked) return;
  observer.on_revoked("revoked: " + text);
  if (!run_) return;
  const auto& training = devices_.membership().training;
  const bool is_anybody_left = std::any_of(training.begin(), training.end(), [this](std::uint32_t index) {
    return !devices_.is_revoked(devices_.roster()[index]);
  });
  if (!training.empty() && !is_anybody_left) {
    observer.on_revoked(
        "every device that trains in this run is revoked: it cannot go on; begin another, in a new store");
  }
}

}  // namespace skink::coordinator
