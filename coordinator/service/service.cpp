#include "skink/coordinator/service/service.hpp"

#include <algorithm>
#include <random>
#include <thread>

#include "skink/coordinator/provisioning/revoked_list.hpp"
#include "skink/host/experiment/model_match.hpp"
#include "skink/host/experiment/strategies.hpp"
#include "skink/host/experiment/tasks.hpp"
#include "skink/host/files/files.hpp"

namespace skink::coordinator {
namespace {

constexpr std::uint64_t kRevokedReadMs = 1000;
constexpr std::uint64_t kClearMs = 30000;    // how long a finished run waits for the broker
constexpr std::uint64_t kWithdrawMs = 2000;  // and one that is stopped

std::uint64_t unix_time_ms() {
  const auto now = std::chrono::system_clock::now().time_since_epoch();
  return static_cast<std::uint64_t>(std::chrono::duration_cast<std::chrono::milliseconds>(now).count());
}

std::string topic_of(const std::string& fleet, const Publish& publication) {
  wire::Topic topic;
  topic.kind = publication.topic;
  topic.fleet = {fleet.data(), fleet.size()};
  topic.device_id = {publication.device_id.data(), publication.device_id.size()};
  topic.slot = publication.slot;
  topic.chunk = publication.chunk;
  char text[wire::kMaxTopicBytes];
  return {text, wire::format_topic(topic, text)};
}

std::uint64_t random_nonce() {
  std::random_device device;
  return std::uint64_t{device()} << 32 | device();
}

std::uint32_t cores() { return std::max(1U, std::thread::hardware_concurrency()); }

bool is_of_connection(const mqtt::Event& event) {
  return event.kind == mqtt::EventKind::kConnected || event.kind == mqtt::EventKind::kDisconnected;
}

}  // namespace

Service::Service(Settings settings, Store store)
    : settings_(std::move(settings)),
      store_(std::move(store)),
      workers_(settings_.threads == 0 ? cores() : settings_.threads) {}

Result<std::unique_ptr<Service>> Service::create(const Settings& settings, const std::vector<Override>& overrides) {
  auto store = Store::open(settings.store);
  if (!store) return because(store.error(), Cause::kStore);
  std::unique_ptr<Service> service(new Service(settings, std::move(*store)));
  const auto prepared = service->prepare(overrides);
  if (!prepared) return prepared.error();
  return service;
}

Result<void> Service::prepare(const std::vector<Override>& overrides) {
  const auto text = read_file(settings_.experiment);
  if (!text) return text.error();
  auto read = parse_experiment(*text, settings_.experiment, overrides);
  if (!read) return read.error();
  const auto experiment = resolve(*read, nullptr);
  if (!experiment) return experiment.error();
  const auto runs = check_runs_in_fleets(*experiment);
  if (!runs) return runs.error();
  const auto master_key = read_key(settings_.master_key);
  if (!master_key) return master_key.error();
  if (!settings_.revoked.empty()) {
    auto revoked = provisioning::read_revoked_list(settings_.revoked);
    if (!revoked) return revoked.error();
    first_revoked_ = std::move(*revoked);
  }
  const auto has_run = store_.has_run();
  if (!has_run) return because(has_run.error(), Cause::kStore);

  CoordinatorConfig config;
  config.experiment = *experiment;
  config.master_key = *master_key;
  config.fleet = settings_.fleet;
  config.nonce = random_nonce();
  config.executor = rounds::Executor::of(workers_);
  if (!*has_run) {
    auto initial = find_initial_model(config.experiment, settings_.init);
    if (!initial) return initial.error();
    config.run = settings_.run != 0 ? settings_.run : unix_time_ms();
    const auto begun = store_.begin_run({config.run, experiment->name, *text, overrides, std::move(*initial)});
    if (!begun) return because(begun.error(), Cause::kStore);
    core_ = std::make_unique<Coordinator>(std::move(config));
    return {};
  }
  const auto snapshot = store_.load();
  if (!snapshot) return because(snapshot.error(), Cause::kStore);
  if (snapshot->experiment_text != *text || snapshot->overrides != overrides) {
    return make_error(Status::kInvalidArgument,
                      settings_.store + ": holds run " + std::to_string(snapshot->run) +
                          " of another experiment; name another store, or give the same file and --set");
  }
  resumed_ = true;
  if (!config.experiment.init.is_random()) {
    const auto set = set_initial_model(
        config.experiment, {snapshot->initial_model.data(), snapshot->initial_model.size()}, settings_.store);
    if (!set) return because(set.error(), Cause::kStore);
  }
  try {
    core_ = std::make_unique<Coordinator>(std::move(config), &*snapshot);
  } catch (const std::runtime_error& error) {
    return make_error(Status::kDamaged, settings_.store + ": " + error.what());
  }
  return {};
}

Result<void> Service::connect() {
  mqtt::SessionOptions options;
  options.host = settings_.host;
  options.port = settings_.port;
  options.ca_file = settings_.ca;
  options.certificate_file = settings_.certificate;
  options.key_file = settings_.key;
  const auto name = mqtt::common_name_of(settings_.certificate);
  if (!name) return name.error();
  options.client_id = *name;
  options.max_pending_publications = 20000;
  auto session = mqtt::Session::start(queue_, options);
  if (!session) return session.error();
  session_ = std::move(*session);
  return {};
}

std::uint64_t Service::now_ms() const {
  return static_cast<std::uint64_t>(
      std::chrono::duration_cast<std::chrono::milliseconds>(std::chrono::steady_clock::now() - start_).count());
}

ServiceEnd Service::run(const ServiceObserver& observer, const std::function<bool()>& stop) {
  if (core_->phase() == Phase::kFinished) {
    const auto cleared = store_.is_cleared();
    if (cleared && *cleared) return ServiceEnd::kFinished;
  }
  core_->observe_updates(observer.on_update);
  revoke(first_revoked_, observer);
  const auto connected = connect();
  if (!connected) {
    failure_ = connected.error().message;
    return ServiceEnd::kCredentialsRefused;
  }
  std::vector<mqtt::Event> events;
  std::uint64_t told_ms = 0;
  while (!stop()) {
    const std::uint64_t now = now_ms();
    const std::uint64_t wake = core_->next_wake_ms();
    const std::uint64_t wait = wake > now ? std::min<std::uint64_t>(wake - now, 100) : 0;
    queue_.wait(events, std::chrono::milliseconds(wait));
    if (!handle(events, observer)) return ServiceEnd::kStoreFailed;
    if (credentials_refused_) return ServiceEnd::kCredentialsRefused;
    read_revoked(observer);
    core_->on_time(now_ms());
    if (!carry_out(observer)) return ServiceEnd::kStoreFailed;
    flush();
    if (core_->phase() == Phase::kFinished && is_over(observer)) {
      leave();
      return ServiceEnd::kFinished;
    }
    if (core_->phase() == Phase::kWaitingForFleet && observer.on_waiting && now_ms() - told_ms > 1000) {
      told_ms = now_ms();
      observer.on_waiting(*core_);
    }
  }
  withdraw(observer);
  return ServiceEnd::kStopped;
}

/// A finished run ends when the broker has confirmed that it keeps nothing of it; that is noted, so that it is not left
/// to a later start. One that has waited for too long ends as well, and says so.
bool Service::is_over(const ServiceObserver& observer) {
  if (finished_ms_ == 0) finished_ms_ = now_ms();
  if (session_->is_connected() && backlog_.empty() && clearing_.empty()) {
    const auto noted = store_.set_cleared();
    if (!noted && observer.on_log) observer.on_log(noted.error().message);
    return true;
  }
  if (now_ms() - finished_ms_ < kClearMs) return false;
  if (observer.on_log) {
    observer.on_log("the broker has not confirmed that the model's chunks are removed; start again to remove them");
  }
  return true;
}

/// Disconnects; the last replies still leave.
void Service::leave() {
  session_->disconnect(std::chrono::milliseconds(2000));
  std::vector<mqtt::Event> events;
  const std::uint64_t end = now_ms() + 2500;
  for (bool open = true; open && now_ms() < end;) {
    queue_.wait(events, std::chrono::milliseconds(100));
    open = std::none_of(events.begin(), events.end(),
                        [](const mqtt::Event& event) { return event.kind == mqtt::EventKind::kDisconnected; });
  }
}

/// A run that is stopped leaves nothing at the broker either: it may be given up. When it goes on, the model is
/// published again.
void Service::withdraw(const ServiceObserver& observer) {
  if (!session_->is_connected()) {
    session_->disconnect();
    return;
  }
  core_->withdraw();
  const std::uint64_t end = now_ms() + kWithdrawMs;
  std::vector<mqtt::Event> events;
  if (!carry_out(observer)) return;
  while (now_ms() < end && session_->is_connected() && !(backlog_.empty() && clearing_.empty())) {
    queue_.wait(events, std::chrono::milliseconds(50));
    for (const mqtt::Event& event : events) {
      if (event.kind == mqtt::EventKind::kPublished) clearing_.erase(event.token);
    }
    flush();
  }
  leave();
}

/// What the core says to all of them is carried out together, so that it can decode many changes at once. What was said
/// before the connection came or went belongs before it. False when the store failed.
bool Service::handle(const std::vector<mqtt::Event>& events, const ServiceObserver& observer) {
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
bool Service::collect(const mqtt::Event& event) {
  wire::Topic topic;
  if (event.kind != mqtt::EventKind::kMessage || !wire::parse_topic({event.topic.data(), event.topic.size()}, topic) ||
      topic.kind != wire::TopicKind::kUpdate) {
    return false;
  }
  updates_.push_back({{topic.device_id.data(), topic.device_id.size()}, {event.payload.data(), event.payload.size()}});
  return true;
}

void Service::pass_updates() {
  core_->on_updates({updates_.data(), updates_.size()}, now_ms());
  updates_.clear();
}

void Service::handle(const mqtt::Event& event, const ServiceObserver& observer) {
  switch (event.kind) {
    case mqtt::EventKind::kConnected: {
      was_connected_ = true;
      backlog_.clear();
      clearing_.clear();
      const std::string root = "skink/1/" + settings_.fleet + "/";
      (void)session_->subscribe(root + "dev/+/state", mqtt::Quality::kAtLeastOnce);
      (void)session_->subscribe(root + "dev/+/update", mqtt::Quality::kAtLeastOnce);
      (void)session_->subscribe(root + "model/+/+", mqtt::Quality::kAtLeastOnce);  // what another run left: once
      (void)session_->unsubscribe(root + "model/+/+");
      if (observer.on_log) observer.on_log("connected to the broker");
      core_->on_connected(now_ms());
      return;
    }
    case mqtt::EventKind::kDisconnected:
      core_->on_disconnected();
      backlog_.clear();
      clearing_.clear();
      if (observer.on_log) observer.on_log(event.text);
      if (event.reason == mqtt::DisconnectReason::kCertificate && !was_connected_) {
        credentials_refused_ = true;
        failure_ = event.text;
      }
      return;
    case mqtt::EventKind::kMessage: handle_message(event); return;
    case mqtt::EventKind::kProblem:
      if (observer.on_log) observer.on_log(event.text);
      return;
    case mqtt::EventKind::kPublished:
      clearing_.erase(event.token);
      flush();
      return;
  }
}

/// But for updates.
void Service::handle_message(const mqtt::Event& event) {
  wire::Topic topic;
  if (!wire::parse_topic({event.topic.data(), event.topic.size()}, topic)) return;
  const std::string_view id(topic.device_id.data(), topic.device_id.size());
  const Bytes payload{event.payload.data(), event.payload.size()};
  if (topic.kind == wire::TopicKind::kModel) clear_leftover(topic, event);
  if (topic.kind != wire::TopicKind::kState) return;
  core_->on_state(id, payload, now_ms());
}

/// A chunk that the broker kept, of a run that was given up.
void Service::clear_leftover(const wire::Topic& topic, const mqtt::Event& event) {
  if (!event.retained || core_->publishes(topic.slot, topic.chunk)) return;
  Publish publish;
  publish.topic = wire::TopicKind::kModel;
  publish.slot = topic.slot;
  publish.chunk = topic.chunk;
  publish.retain = true;
  backlog_.push_back(std::move(publish));
}

/// The list may grow while the run goes on. One that cannot be read changes nothing.
void Service::read_revoked(const ServiceObserver& observer) {
  if (settings_.revoked.empty() || now_ms() - revoked_read_ms_ < kRevokedReadMs) return;
  revoked_read_ms_ = now_ms();
  const auto ids = provisioning::read_revoked_list(settings_.revoked);
  const std::string trouble = ids ? "" : ids.error().message + "; what was revoked before stays so";
  if (!trouble.empty() && trouble != revoked_trouble_ && observer.on_log) observer.on_log(trouble);
  revoked_trouble_ = trouble;
  if (ids) revoke(*ids, observer);
}

void Service::revoke(const RevokedIds& ids, const ServiceObserver& observer) {
  std::string text;
  for (const std::string& id : ids) {
    if (!core_->is_revoked(id)) text += (text.empty() ? "" : ", ") + id;
  }
  if (text.empty()) return;
  core_->revoke(ids, now_ms());
  if (!observer.on_log) return;
  observer.on_log("revoked: " + text);
  const auto& training = core_->membership().training;
  const bool is_anybody_left = std::any_of(training.begin(), training.end(), [this](std::uint32_t index) {
    return !core_->is_revoked(core_->roster()[index]);
  });
  if (!training.empty() && !is_anybody_left) {
    observer.on_log("every device that trains in this run is revoked: it cannot go on; begin another, in a new store");
  }
}

/// All that the core wants to have committed is one transaction, however much it is; then it is published what that
/// permits, in order. False when the store failed; nothing later is carried out.
bool Service::carry_out(const ServiceObserver& observer) {
  std::vector<Action> actions = core_->take_actions();
  const bool publishes_only = std::all_of(actions.begin(), actions.end(),
                                          [](const Action& action) { return std::holds_alternative<Publish>(action); });
  if (!publishes_only || notes_.is_due(now_ms())) {
    const auto done =
        store_.commit({actions.data(), actions.size()}, notes_.take(*core_, now_ms()), settings_.checkpoint_rounds);
    if (!done) {
      failure_ = done.error().message;
      return false;
    }
  }
  for (Action& action : actions) {
    if (auto* publication = std::get_if<Publish>(&action)) {
      backlog_.push_back(std::move(*publication));
    } else {
      tell(action, observer);
    }
  }
  flush();
  return true;
}

void Service::tell(const Action& action, const ServiceObserver& observer) const {
  if (std::holds_alternative<CommitRound>(action) && observer.on_round) observer.on_round(*core_);
  if (const auto* event = std::get_if<CommitEvent>(&action); event != nullptr && observer.on_event) {
    observer.on_event(event->event);
  }
  if (const auto* evaluation = std::get_if<CommitEvaluation>(&action);
      evaluation != nullptr && observer.on_evaluation) {
    observer.on_evaluation(evaluation->record);
  }
}

/// What cannot leave because the broker is away is forgotten: on_connected() publishes all that is open again.
void Service::flush() {
  while (!backlog_.empty()) {
    const Publish& next = backlog_.front();
    const auto sent =
        session_->publish(topic_of(settings_.fleet, next), {next.payload.data(), next.payload.size()},
                          mqtt::Quality::kAtLeastOnce, next.retain ? mqtt::Retain::kYes : mqtt::Retain::kNo);
    if (!sent && sent.error().code == make_error_code(Status::kBufferTooSmall)) return;  // after kPublished
    if (sent && next.retain && next.payload.empty()) clearing_.insert(*sent);
    backlog_.pop_front();
  }
}

}  // namespace skink::coordinator
