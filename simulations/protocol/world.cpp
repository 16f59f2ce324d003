#include "skink/simulations/protocol/world.hpp"

#include <algorithm>
#include <cstring>
#include <iterator>

#include "skink/common/arithmetic/philox.hpp"
#include "skink/edge/model_message.hpp"
#include "skink/host/experiment/device_memory.hpp"
#include "world_device.hpp"

namespace skink::simulations {
namespace {

/// device-000, device-001, ...: as many digits as sorting needs, at least three.
std::vector<std::string> default_ids(std::uint32_t count) {
  const std::size_t width = std::max<std::size_t>(3, std::to_string(count == 0 ? 0 : count - 1).size());
  std::vector<std::string> ids;
  for (std::uint32_t i = 0; i < count; ++i) {
    const std::string number = std::to_string(i);
    ids.push_back("device-" + std::string(width - number.size(), '0') + number);
  }
  return ids;
}

/// What a store would hold after a commit.
void keep(coordinator::RunSnapshot& snapshot, const coordinator::Action& action) {
  if (const auto* roster = std::get_if<coordinator::CommitRoster>(&action)) snapshot.roster = roster->roster;
  if (const auto* event = std::get_if<coordinator::CommitEvent>(&action)) snapshot.transcript.push_back(event->event);
  if (const auto* round = std::get_if<coordinator::CommitRound>(&action)) {
    snapshot.rounds_done = round->record.round + 1;
    snapshot.model = round->model;
    snapshot.traffic = round->record.traffic;
    snapshot.downlink_residual = round->residual;
    snapshot.strategy_state = round->strategy_state;
    if (round->patch.base != crypto::Digest()) snapshot.patches.push_back(round->patch);
    while (!snapshot.patches.empty() && snapshot.patches.front().round < round->first_patch) {
      snapshot.patches.erase(snapshot.patches.begin());
    }
  }
  if (const auto* evaluation = std::get_if<coordinator::CommitEvaluation>(&action)) {
    snapshot.evaluations.push_back(evaluation->record);
  }
  if (std::holds_alternative<coordinator::CommitFinished>(action)) snapshot.finished = true;
}

}  // namespace

World::World(const coordinator::CoordinatorConfig& config, const TaskGenerator& tasks, const WorldOptions& options,
             const coordinator::RunSnapshot* snapshot)
    : options_(options),
      config_(config),
      workers_(options.threads),
      coordinator_(std::make_unique<coordinator::Coordinator>(config, snapshot)) {
  committed_.run = config.run;
  if (options_.device_ids.empty() && snapshot != nullptr) options_.device_ids = snapshot->roster;
  if (options_.device_ids.empty()) options_.device_ids = default_ids(config.experiment.fleet.devices);
  const std::size_t arena = options_.arena_bytes != 0 ? options_.arena_bytes : device_memory(config.experiment).arena();
  for (const std::string& id : options_.device_ids) {
    const crypto::Key key =
        crypto::device_key(config.master_key, {config.fleet.data(), config.fleet.size()}, {id.data(), id.size()});
    index_of_.emplace(id, devices_.size());
    devices_.push_back(std::make_unique<Device>(id, key, tasks, arena, coordinator_->model().file().size()));
  }
}

World::~World() = default;

const edge::Client& World::client(std::size_t index) const { return *devices_[index]->client; }

bool World::run(const WorldObserver& observer, const std::function<bool()>& stop) {
  give_up_ = observer.give_up;
  coordinator_->observe_updates(observer.on_update);
  coordinator_->on_connected(now_ms_);
  for (std::size_t i = 0; i < devices_.size() && !is_given_up(); ++i) {
    if (!devices_[i]->connected) connect(i);
  }
  for (;;) {
    if (is_given_up() || (stop && stop())) return false;
    if (events_.empty() || !is_heard_together(events_.top())) {
      heard_ = 0;
      carry_out(observer);  // may leave a coordinator that was restarted and has to go on
      if (coordinator_->phase() == coordinator::Phase::kFinished) return true;
    }
    const std::uint64_t next_event = events_.empty() ? edge::Client::kNever : events_.top().time_ms;
    const std::uint64_t next = std::min(next_event, coordinator_->next_wake_ms());
    if (next == edge::Client::kNever) return false;
    now_ms_ = std::max(now_ms_, next);
    if (coordinator_->next_wake_ms() <= now_ms_) {
      coordinator_->on_time(now_ms_);
      continue;
    }
    const Event event = events_.top();
    events_.pop();
    if (event.kind == Event::Kind::kToCoordinator) {
      ++heard_;
      hear(event);
    } else if (workers_.count() > 1 && is_work(event)) {
      handle_together(event);
    } else {
      handle(event);
      send_outgoing(devices_[event.device]->outgoing);
    }
  }
}

/// With the messages before it?
bool World::is_heard_together(const Event& event) const {
  return event.kind == Event::Kind::kToCoordinator && event.time_ms == now_ms_ && heard_ > 0 && heard_ < options_.batch;
}

void World::connect(std::size_t index) {
  devices_[index]->connected = true;
  devices_[index]->client->on_connected(now_ms_);
  pump(index);
  send_outgoing(devices_[index]->outgoing);
}

void World::disconnect(std::size_t index) {
  Device& device = *devices_[index];
  device.connected = false;
  device.client->on_disconnected();
  Event event;
  event.kind = Event::Kind::kToCoordinator;
  event.device = index;
  event.topic = wire::TopicKind::kState;
  event.payload = std::make_shared<const std::vector<std::uint8_t>>();  // a last will has no bytes
  device.state = event.payload;
  send(std::move(event), true);
}

void World::reset_device(std::size_t index) {
  disconnect(index);
  devices_[index]->restart();
  connect(index);
}

double World::uniform() {
  const auto purpose = static_cast<std::uint32_t>(arithmetic::Purpose::kNetwork);
  const std::uint32_t element = random_element_++;
  const arithmetic::PhiloxBlock block = arithmetic::philox(options_.faults.seed, element / 4, purpose, 0, 0);
  return static_cast<double>(arithmetic::uniform(block.words[element % 4]));
}

void World::send_outgoing(std::vector<Outgoing>& outgoing) {
  for (Outgoing& one : outgoing) {
    if (one.event.kind == Event::Kind::kTimer) {
      one.event.sequence = sequence_++;
      events_.push(std::move(one.event));
    } else {
      send(std::move(one.event), one.reliable);
    }
  }
  outgoing.clear();
}

/// Reliable: between a device and its broker session (retained state, subscriptions); everything else may suffer.
void World::send(Event event, bool reliable) {
  event.time_ms = now_ms_;
  event.sequence = sequence_++;
  const NetworkFaults& faults = options_.faults;
  if (reliable || !faults.any()) {
    events_.push(std::move(event));
    return;
  }
  if (uniform() < faults.drop) return;
  const auto delay = [&] { return static_cast<std::uint64_t>(uniform() * (faults.max_delay_ms + 1.0)); };
  event.time_ms += delay();
  if (uniform() < faults.duplicate) {
    Event copy = event;
    copy.time_ms = now_ms_ + delay();
    copy.sequence = sequence_++;
    events_.push(std::move(copy));
  }
  events_.push(std::move(event));
}

void World::restart_coordinator(const WorldObserver& observer) {
  coordinator_ = std::make_unique<coordinator::Coordinator>(config_, &committed_);
  coordinator_->observe_updates(observer.on_update);
  coordinator_->on_connected(now_ms_);
  for (std::size_t i = 0; i < devices_.size(); ++i) {  // births are retained: a new subscriber gets them all
    Event event;
    event.kind = Event::Kind::kToCoordinator;
    event.device = i;
    event.payload = devices_[i]->state;
    if (event.payload && !event.payload->empty()) send(std::move(event), true);
  }
}

void World::carry_out(const WorldObserver& observer) {
  for (const coordinator::Action& action : coordinator_->take_actions()) {
    if (observer.kill_coordinator && observer.kill_coordinator()) {
      restart_coordinator(observer);
      return;
    }
    if (observer.kill_coordinator) keep(committed_, action);
    if (const auto* publication = std::get_if<coordinator::Publish>(&action)) {
      publish(*publication);
    } else if (const auto* round = std::get_if<coordinator::CommitRound>(&action)) {
      if (observer.on_round) observer.on_round(round->record);
    } else if (const auto* evaluation = std::get_if<coordinator::CommitEvaluation>(&action)) {
      if (observer.on_evaluation) observer.on_evaluation(evaluation->record);
    } else if (const auto* event = std::get_if<coordinator::CommitEvent>(&action)) {
      if (observer.on_event) observer.on_event(event->event);
    }
  }
}

void World::publish(const coordinator::Publish& publication) {
  if (publication.topic == wire::TopicKind::kModel) {
    std::vector<Payload>& chunks = models_[publication.slot];
    if (publication.chunk >= chunks.size()) chunks.resize(publication.chunk + 1);
    chunks[publication.chunk].reset();
    if (publication.payload.empty()) return;
    chunks[publication.chunk] = std::make_shared<const std::vector<std::uint8_t>>(publication.payload);
    return;
  }
  const auto found = index_of_.find(publication.device_id);
  if (found == index_of_.end()) return;
  Event event;
  event.kind = Event::Kind::kToDevice;
  event.device = found->second;
  event.topic = publication.topic;
  event.payload = std::make_shared<const std::vector<std::uint8_t>>(publication.payload);
  send(std::move(event), false);
}

/// A device may have to compute.
bool World::is_work(const Event& event) const {
  return event.kind == Event::Kind::kModelChunk && event.time_ms == now_ms_;
}

/// Models that reach devices in one moment, and what the devices then compute. They know nothing of each other, so each
/// may have a thread of its own; what they say is sent in the order of the events, as if one had followed the other.
void World::handle_together(const Event& first) {
  std::vector<Event> events{first};
  while (!events_.empty() && is_work(events_.top())) {
    events.push_back(events_.top());
    events_.pop();
  }
  std::map<std::size_t, std::vector<std::size_t>> places_of;  // of a device, which has pieces of a model one by one
  for (std::size_t place = 0; place < events.size(); ++place) places_of[events[place].device].push_back(place);
  std::vector<const std::vector<std::size_t>*> parts;
  parts.reserve(places_of.size());
  for (const auto& [device, places] : places_of) parts.push_back(&places);
  workers_.run(static_cast<std::uint32_t>(parts.size()), [&](std::uint32_t /*worker*/, std::uint32_t part) {
    for (const std::size_t place : *parts[part]) {
      devices_[events[place].device]->place = place;
      handle(events[place]);
    }
  });
  std::vector<Outgoing> outgoing;
  for (const auto& [device, places] : places_of) {
    std::vector<Outgoing>& said = devices_[device]->outgoing;
    std::move(said.begin(), said.end(), std::back_inserter(outgoing));
    said.clear();
  }
  std::stable_sort(outgoing.begin(), outgoing.end(),
                   [](const Outgoing& a, const Outgoing& b) { return a.place < b.place; });
  send_outgoing(outgoing);
}

void World::hear(const Event& event) {
  const std::string& id = devices_[event.device]->id;
  const Bytes bytes = event.payload ? Bytes{event.payload->data(), event.payload->size()} : Bytes{};
  if (event.topic == wire::TopicKind::kState) {
    coordinator_->on_state(id, bytes, now_ms_);
  } else {
    coordinator_->on_update(id, bytes, now_ms_);
  }
}

void World::handle(const Event& event) {
  Device& device = *devices_[event.device];
  const Bytes bytes = event.payload ? Bytes{event.payload->data(), event.payload->size()} : Bytes{};
  switch (event.kind) {
    case Event::Kind::kToCoordinator: return;
    case Event::Kind::kToDevice:
      if (!device.connected) return;
      if (event.topic == wire::TopicKind::kTask) {
        device.client->on_task(bytes, now_ms_);
      } else if (event.topic == wire::TopicKind::kPatch) {
        device.client->on_patch_bytes({0, bytes}, now_ms_);
      } else {
        device.client->on_reply(bytes, now_ms_);
      }
      break;
    case Event::Kind::kModelChunk: {
      if (!device.connected) return;
      const auto length = static_cast<std::uint32_t>(bytes.size());
      edge::ModelMessage message;  // whole
      edge::ModelPiece piece;
      edge::ModelWrite write;
      Bytes content;
      const bool has_content = message.take(event.chunk, 0, length, bytes, piece, content);
      if (!has_content || !device.client->on_model_bytes(piece, write)) return;
      std::memcpy(device.model.data() + write.offset, content.data(), content.size());
      device.client->on_model_stored(write, Status::kOk, now_ms_);
      break;
    }
    case Event::Kind::kTimer:
      device.timer_ms = edge::Client::kNever;
      device.client->on_time(now_ms_);
      break;
  }
  pump(event.device);
}

bool World::is_given_up() {
  if (!is_given_up_ && give_up_ && give_up_()) is_given_up_ = true;
  return is_given_up_;
}

/// Does what a device wants, including all its work: in virtual time work takes none.
void World::pump(std::size_t index) {
  Device& device = *devices_[index];
  edge::Action action;
  for (bool busy = true; busy;) {
    busy = device.client->has_work();
    while (device.client->has_work() && !is_given_up()) device.client->work(now_ms_);
    if (is_given_up_) return;
    while (device.client->next_action(action)) {
      carry_out(index, action);
      busy = true;
    }
  }
  set_timer(index);
}

void World::carry_out(std::size_t index, const edge::Action& action) {
  Device& device = *devices_[index];
  if (action.kind == edge::ActionKind::kSubscribe && action.topic == wire::TopicKind::kModel) {
    deliver_model(index, action.slot, action.chunk);
  }
  if (action.kind == edge::ActionKind::kProbe) device.client->on_probe_answered(now_ms_);
  if (action.kind == edge::ActionKind::kStoreModel) {
    std::memcpy(device.model.data() + action.write.offset, action.payload.data(), action.payload.size());
    device.client->on_model_stored(action.write, Status::kOk, now_ms_);
  }
  if (action.kind != edge::ActionKind::kPublish) return;
  Event event;
  event.kind = Event::Kind::kToCoordinator;
  event.device = index;
  event.topic = action.topic;
  event.payload = std::make_shared<const std::vector<std::uint8_t>>(action.payload.begin(), action.payload.end());
  if (action.retain) device.state = event.payload;
  device.outgoing.push_back({device.place, std::move(event), action.topic == wire::TopicKind::kState});
  device.client->on_published(now_ms_);
}

void World::deliver_model(std::size_t index, std::uint32_t slot, std::uint32_t chunk) {
  const std::vector<Payload>& chunks = models_[slot];
  for (std::uint32_t k = 0; k < chunks.size(); ++k) {
    if ((chunk != wire::kAllChunks && chunk != k) || !chunks[k]) continue;
    Event event;
    event.kind = Event::Kind::kModelChunk;
    event.device = index;
    event.chunk = k;
    event.payload = chunks[k];
    devices_[index]->outgoing.push_back({devices_[index]->place, std::move(event), false});
  }
}

/// One pending timer event a device; an early one asks again.
void World::set_timer(std::size_t index) {
  Device& device = *devices_[index];
  const std::uint64_t wake = device.client->next_wake_ms();
  if (wake == edge::Client::kNever || device.timer_ms <= wake) return;
  device.timer_ms = wake;
  Event event;
  event.kind = Event::Kind::kTimer;
  event.device = index;
  event.time_ms = std::max(wake, now_ms_);
  device.outgoing.push_back({device.place, std::move(event), true});
}

}  // namespace skink::simulations
