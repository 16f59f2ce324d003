#include "skink/edge/bridge/datagram_bridge.hpp"

#include <poll.h>

#include <algorithm>
#include <condition_variable>
#include <map>
#include <mutex>
#include <thread>
#include <utility>
#include <vector>

#include "skink/edge/datagram/datagram_key.hpp"
#include "skink/edge/linux/credentials.hpp"
#include "skink/edge/linux/hosted_client.hpp"
#include "skink/host/mqtt/session.hpp"

namespace skink::edge {
namespace {

constexpr std::uint64_t kTickMs = 50;
constexpr std::uint64_t kHelloMs = 30'000;  // for a peer with DTLS but without a session
constexpr std::chrono::milliseconds kGoodbyeGrace(500);
constexpr std::uint64_t kGoodbyeMs = 1200;
constexpr std::uint64_t kReportMs = 10'000;

bool may_publish(wire::TopicKind topic) {
  return topic == wire::TopicKind::kState || topic == wire::TopicKind::kUpdate;
}

bool may_subscribe(wire::TopicKind topic) { return !may_publish(topic); }

/// Tells a thread that waits for MQTT that the UDP socket has something.
class SocketWatch {
 public:
  SocketWatch(int descriptor, mqtt::EventQueue& queue)
      : thread_([this, descriptor, &queue](const std::stop_token& stop) {
          while (!stop.stop_requested()) {
            pollfd waited{descriptor, POLLIN, 0};
            if (::poll(&waited, 1, kTickMs) <= 0) continue;
            std::unique_lock lock(mutex_);
            has_input_ = true;
            queue.interrupt();
            emptied_.wait_for(lock, std::chrono::milliseconds(kTickMs), [this] { return !has_input_; });
          }
        }) {}

  /// The socket was read until it was empty.
  void emptied() {
    const std::lock_guard lock(mutex_);
    has_input_ = false;
    emptied_.notify_one();
  }

 private:
  std::mutex mutex_;  ///< guards has_input_
  std::condition_variable emptied_;
  bool has_input_ = false;
  std::jthread thread_;
};

}  // namespace

struct DatagramBridge::Self {
  /// One node: a DTLS peer, its session over datagrams, and its MQTT session.
  struct Node {
    std::string id;
    std::uint64_t number = 0;  ///< of the DTLS peer
    DatagramPeer peer;
    std::uint64_t opened_ms = 0;
    std::size_t index = 0;  ///< of the MQTT session
    std::unique_ptr<mqtt::Session> session;
    std::optional<mqtt::Token> awaited;  ///< the broker has not acknowledged it yet

    explicit Node(const DatagramPeerLimits& limits) : peer(limits) {}
  };
  struct Leaving {
    std::unique_ptr<mqtt::Session> session;
    std::uint64_t until_ms = 0;
  };

  explicit Self(const DatagramBridgeOptions& given) : options(given) {}

  Result<void> open();
  std::optional<crypto::Digest> key_of(const std::string& id) const;
  void opened(std::uint64_t number, const std::string& id);
  void received(std::uint64_t number, Bytes bytes);
  void said(Node& node, const DatagramEvent& event);
  void begin_session(Node& node);
  void pass_on(Node& node, const DatagramEvent& event);
  void take(mqtt::Event& event);
  void take_message(Node& node, mqtt::Event& event);
  void end_session(Node& node, datagram::Reason reason);
  void leave(Node& node);
  void remove(std::uint64_t number);
  void tick();
  void report();
  std::uint64_t next_ms() const;
  std::string topic_name(const Node& node, const datagram::Address& address) const;
  void log(LogLevel level, const char* event, const std::string& text, const std::string& device = "") const {
    if (options.log) options.log({level, event, text, 0, device});
  }

  DatagramBridgeOptions options;
  std::uint64_t now_ms = 0;
  std::size_t last_index = 0;
  mqtt::EventQueue queue;
  std::map<std::uint64_t, std::unique_ptr<Node>> nodes;  ///< by DTLS peer
  std::map<std::size_t, Node*> by_index;
  std::vector<Leaving> leaving;
  std::unique_ptr<DtlsServer> dtls;
  std::uint64_t reported_ms = 0;
  std::string last_report;
};

// ---- nodes come and go ----------------------------------------------------------------------------------------------

Result<void> DatagramBridge::Self::open() {
  if (!wire::is_valid_id({options.fleet.data(), options.fleet.size()})) {
    return make_error(Status::kInvalidArgument, "'" + options.fleet + "' is not a fleet name: use " + wire::kIdRule);
  }
  DtlsServer::Handler handler;
  handler.opened = [this](std::uint64_t number, const std::string& id) { opened(number, id); };
  handler.received = [this](std::uint64_t number, Bytes bytes) { received(number, bytes); };
  handler.closed = [this](std::uint64_t number) { remove(number); };
  auto made = DtlsServer::open(
      options.listen, options.dtls, [this](const std::string& id) { return key_of(id); }, handler);
  if (!made) return made.error();
  dtls = std::move(*made);
  return {};
}

std::optional<crypto::Digest> DatagramBridge::Self::key_of(const std::string& id) const {
  if (id == "." || id == "..") return std::nullopt;  // ids by their form, but folders
  const auto credentials = read_credentials(options.identity, id);
  if (!credentials) return std::nullopt;
  return datagram::datagram_key(credentials->key, {id.data(), id.size()});
}

/// Who has proved to know a node's key takes the place of who did before.
void DatagramBridge::Self::opened(std::uint64_t number, const std::string& id) {
  for (auto& [other, node] : nodes) {
    if (node->id != id) continue;
    const std::uint64_t old = other;
    node->session.reset();  // the retained birth stays: a new one follows
    dtls->close(old);
    remove(old);
    break;
  }
  auto node = std::make_unique<Node>(options.node);
  node->id = id;
  node->number = number;
  node->opened_ms = now_ms;
  nodes[number] = std::move(node);
  log(LogLevel::kDebug, "node.opened", id + ": DTLS is up", id);
}

void DatagramBridge::Self::remove(std::uint64_t number) {
  const auto found = nodes.find(number);
  if (found == nodes.end()) return;
  leave(*found->second);
  nodes.erase(found);
}

/// Has the node's retained birth removed: it is gone.
void DatagramBridge::Self::leave(Node& node) {
  by_index.erase(node.index);
  node.awaited.reset();
  if (node.session == nullptr) return;
  const std::string state = topic_name(node, {datagram::Operation::kPublish, wire::TopicKind::kState, 0, 0, true});
  (void)node.session->publish(state, {}, mqtt::Quality::kAtLeastOnce, mqtt::Retain::kYes);
  node.session->disconnect(kGoodbyeGrace);
  leaving.push_back({std::move(node.session), now_ms + kGoodbyeMs});
  log(LogLevel::kInfo, "device.disconnected", node.id + ": the node is gone", node.id);
}

void DatagramBridge::Self::end_session(Node& node, datagram::Reason reason) {
  by_index.erase(node.index);
  node.awaited.reset();
  node.session.reset();
  node.peer.end(reason);
}

// ---- from nodes -----------------------------------------------------------------------------------------------------

void DatagramBridge::Self::received(std::uint64_t number, Bytes bytes) {
  const auto found = nodes.find(number);
  if (found == nodes.end()) return;
  if (const auto event = found->second->peer.receive(bytes, now_ms)) said(*found->second, *event);
}

void DatagramBridge::Self::said(Node& node, const DatagramEvent& event) {
  switch (event.kind) {
    case DatagramEventKind::kBegun: begin_session(node); return;
    case DatagramEventKind::kMessage: pass_on(node, event); return;
    case DatagramEventKind::kLeft: leave(node); return;
  }
}

void DatagramBridge::Self::begin_session(Node& node) {
  by_index.erase(node.index);
  node.awaited.reset();
  node.session.reset();
  const auto credentials = read_credentials(options.identity, node.id);
  mqtt::SessionOptions session;
  session.index = node.index = ++last_index;
  session.host = options.broker.host;
  session.port = options.broker.port;
  session.client_id = node.id;
  session.will = mqtt::Will{
      topic_name(node, {datagram::Operation::kPublish, wire::TopicKind::kState, 0, 0, true}), {}, mqtt::Retain::kYes};
  if (credentials) {
    session.ca_file = credentials->ca_file;
    session.certificate_file = credentials->certificate_file;
    session.key_file = credentials->key_file;
  }
  auto name = credentials ? mqtt::common_name_of(session.certificate_file) : Result<std::string>(credentials.error());
  if (name && *name != node.id) name = make_error(Status::kDamaged, session.certificate_file + ": of another device");
  auto started = name ? mqtt::Session::start(queue, session) : Result<std::unique_ptr<mqtt::Session>>(name.error());
  if (!started) {
    log(LogLevel::kWarning, "device.problem", node.id + ": " + started.error().message, node.id);
    end_session(node, datagram::Reason::kBrokerLost);
    return;
  }
  node.session = std::move(*started);
  by_index[node.index] = &node;
}

void DatagramBridge::Self::pass_on(Node& node, const DatagramEvent& event) {
  const datagram::Address& address = event.address;
  const bool publishes = address.operation == datagram::Operation::kPublish;
  if (node.session == nullptr || !(publishes ? may_publish(address.topic) : may_subscribe(address.topic))) {
    log(LogLevel::kWarning, "device.problem", node.id + ": asks for what is not a node's", node.id);
    end_session(node, datagram::Reason::kProtocol);
    return;
  }
  const std::string topic = topic_name(node, address);
  bool is_taken = false;
  if (publishes) {
    const auto token =
        node.session->publish(topic, {event.payload.data(), event.payload.size()}, mqtt::Quality::kAtLeastOnce,
                              address.retained ? mqtt::Retain::kYes : mqtt::Retain::kNo);
    is_taken = token.has_value();
    if (token) node.awaited = *token;
  } else {
    is_taken = address.operation == datagram::Operation::kSubscribe
                   ? node.session->subscribe(topic, mqtt::Quality::kAtLeastOnce).has_value()
                   : node.session->unsubscribe(topic).has_value();
    if (is_taken) node.peer.complete();
  }
  if (!is_taken) end_session(node, datagram::Reason::kBrokerLost);
}

std::string DatagramBridge::Self::topic_name(const Node& node, const datagram::Address& address) const {
  wire::Topic topic;
  topic.kind = address.topic;
  topic.fleet = {options.fleet.data(), options.fleet.size()};
  topic.device_id = {node.id.data(), node.id.size()};
  topic.slot = address.slot;
  topic.chunk = address.chunk;
  char name[wire::kMaxTopicBytes];
  return {name, wire::format_topic(topic, name)};
}

// ---- from the broker ------------------------------------------------------------------------------------------------

void DatagramBridge::Self::take(mqtt::Event& event) {
  const auto found = by_index.find(event.session);
  if (found == by_index.end()) return;
  Node& node = *found->second;
  switch (event.kind) {
    case mqtt::EventKind::kConnected:
      log(LogLevel::kDebug, "device.connected", node.id + ": connected", node.id);
      node.peer.welcome(now_ms);
      return;
    case mqtt::EventKind::kDisconnected:
      log(LogLevel::kWarning, "broker.lost", node.id + ": " + event.text, node.id);
      if (node.peer.is_welcome()) end_session(node, datagram::Reason::kBrokerLost);
      return;
    case mqtt::EventKind::kPublished:
      if (node.awaited != event.token) return;
      node.awaited.reset();
      node.peer.complete();
      return;
    case mqtt::EventKind::kMessage: take_message(node, event); return;
    case mqtt::EventKind::kProblem:
      log(LogLevel::kWarning, "device.problem", node.id + ": " + event.text, node.id);
      return;
  }
}

void DatagramBridge::Self::take_message(Node& node, mqtt::Event& event) {
  wire::Topic topic;
  if (!wire::parse_topic({event.topic.data(), event.topic.size()}, topic) || may_publish(topic.kind)) return;
  node.peer.deliver({datagram::Operation::kPublish, topic.kind, topic.slot, topic.chunk, event.retained},
                    std::move(event.payload), now_ms);
}

// ---- the loop -------------------------------------------------------------------------------------------------------

/// What is due, and what each node is to be sent.
void DatagramBridge::Self::tick() {
  std::vector<std::uint64_t> gone;
  for (auto& [number, node] : nodes) {
    if (now_ms >= node->peer.next_wake_ms() && !node->peer.on_time(now_ms)) gone.push_back(number);
    if (!node->peer.has_session() && now_ms >= node->opened_ms + kHelloMs) gone.push_back(number);
    if (node->peer.has_session()) node->opened_ms = now_ms;
    for (int sent = 0; sent < 64; ++sent) {  // more than a window
      const Bytes out = node->peer.output(now_ms);
      if (out.empty()) break;
      dtls->send(number, out);
    }
  }
  for (const std::uint64_t number : gone) {
    dtls->close(number);
    remove(number);
  }
  std::erase_if(leaving, [this](const Leaving& one) { return now_ms >= one.until_ms; });
  dtls->on_time(now_ms);
}

std::uint64_t DatagramBridge::Self::next_ms() const {
  std::uint64_t next = now_ms + kTickMs;
  for (const auto& [number, node] : nodes) next = std::min(next, node->peer.next_wake_ms());
  return std::max(next, now_ms);
}

void DatagramBridge::Self::report() {
  if (now_ms - reported_ms < kReportMs) return;
  reported_ms = now_ms;
  std::size_t welcome = 0;
  std::size_t asleep = 0;
  std::uint64_t dropped = 0;
  for (const auto& [number, node] : nodes) {
    if (node->peer.is_welcome()) ++welcome;
    if (node->peer.is_asleep()) ++asleep;
    dropped += node->peer.dropped();
  }
  const DtlsCounters& counters = dtls->counters();
  std::string text = std::to_string(welcome) + " nodes connected, " + std::to_string(asleep) + " asleep";
  const auto add = [&text](std::uint64_t count, const char* what) {
    if (count > 0) text += ", " + std::to_string(count) + " " + what;
  };
  add(dropped, "messages without room");
  add(counters.handshakes_failed, "handshakes failed");
  add(counters.turned_away, "datagrams turned away");
  add(counters.flooded, "datagrams above a node's rate");
  if (text != last_report) log(LogLevel::kInfo, "nodes.progress", text);
  last_report = text;
}

DatagramBridge::DatagramBridge(std::unique_ptr<Self> self) : self_(std::move(self)) {}
DatagramBridge::~DatagramBridge() = default;

Result<std::unique_ptr<DatagramBridge>> DatagramBridge::open(const DatagramBridgeOptions& options) {
  auto self = std::make_unique<Self>(options);
  if (const Result<void> opened = self->open(); !opened) return opened.error();
  return std::unique_ptr<DatagramBridge>(new DatagramBridge(std::move(self)));
}

void DatagramBridge::run(const std::atomic<bool>& stop) {
  Self& self = *self_;
  std::vector<mqtt::Event> events;
  const auto turn = [&] {
    self.now_ms = steady_now_ms();
    self.queue.wait(events, std::chrono::milliseconds(self.next_ms() - self.now_ms));
    self.now_ms = steady_now_ms();
    for (mqtt::Event& event : events) self.take(event);
  };
  self.now_ms = steady_now_ms();
  {
    SocketWatch watch(self.dtls->descriptor(), self.queue);
    while (!stop) {
      turn();
      if (!self.dtls->receive(self.now_ms)) watch.emptied();
      self.tick();
      self.report();
    }
  }
  for (auto& [number, node] : self.nodes) {
    node->peer.end(datagram::Reason::kLeaving);
    self.dtls->send(number, node->peer.output(self.now_ms));
    self.leave(*node);
  }
  while (!self.leaving.empty()) {  // each has its time
    turn();
    self.tick();
  }
}

}  // namespace skink::edge
