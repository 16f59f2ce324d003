#include "skink/edge/linux/client_host.hpp"
#include "skink/common/little_endian.hpp"

#include <catch2/catch.hpp>
#include <cstring>
#include <map>
#include <thread>

#include "broker.hpp"
#include "skink/common/codec/decoder.hpp"
#include "skink/edge/task_runner.hpp"
#include "skink/host/experiment/device_memory.hpp"

using namespace skink;
using namespace std::chrono_literals;

namespace {

constexpr const char* kExperiment = R"(
name = "host-test"
seed = 7
[model]
input = [1]
loss = "mean_squared_error"
layers = [
  { type = "dense", units = 32, initializer = "he_uniform", gain = 1.0 },
  { type = "relu" },
  { type = "dense", units = 32, initializer = "he_uniform", gain = 1.0 },
  { type = "relu" },
  { type = "dense", units = 1, initializer = "he_uniform", gain = 1.0 },
]
[task]
source = "sine"
support_size = 16
query_size = 20
[meta]
strategy = "tinyreptile"
rounds = 2
cohort = 2
inner_learning_rate = 0.001
passes = 3
[evaluation]
every = 1
tasks = 4
final_tasks = 4
inner_learning_rate = 0.001
[fleet]
devices = 3
held_out = 1
[codec]
uplink = "float32"
)";

/// What a device answered, put together again.
struct Answer {
  wire::Update update;
  std::vector<std::uint8_t> payload;
  std::uint32_t messages = 0;
};

/// The least that a coordinator must do, to see what the devices of a host answer.
class Asker {
 public:
  explicit Asker(const test::Broker& broker) : broker_(broker) {
    mqtt::SessionOptions options;
    options.host = "127.0.0.1";
    options.port = static_cast<std::uint16_t>(broker.port());
    options.ca_file = broker.pki() + "/ca.pem";
    options.certificate_file = broker.pki() + "/coordinator/cert.pem";
    options.key_file = broker.pki() + "/coordinator/key.pem";
    options.client_id = "coordinator";
    auto session = mqtt::Session::start(queue_, options);
    REQUIRE(session.has_value());
    session_ = std::move(*session);
    REQUIRE(serve_until([this] { return session_->is_connected(); }));
    REQUIRE(session_->subscribe("skink/1/demo/dev/+/state", mqtt::Quality::kAtLeastOnce).has_value());
    REQUIRE(session_->subscribe("skink/1/demo/dev/+/update", mqtt::Quality::kAtLeastOnce).has_value());
  }

  template <class Condition>
  bool serve_until(Condition condition, std::chrono::seconds timeout = 20s) {
    const auto deadline = std::chrono::steady_clock::now() + timeout;
    std::vector<mqtt::Event> events;
    while (!condition()) {
      if (std::chrono::steady_clock::now() > deadline) return false;
      queue_.wait(events, 20ms);
      for (const mqtt::Event& event : events) {
        if (event.kind == mqtt::EventKind::kMessage) take(event);
      }
    }
    return true;
  }

  void publish_model(const std::vector<std::uint8_t>& file, const crypto::Digest& digest) {
    for (std::size_t chunk = 0; chunk * wire::kModelChunkBytes < file.size(); ++chunk) {
      const std::size_t first = chunk * wire::kModelChunkBytes;
      const std::size_t size = std::min(wire::kModelChunkBytes, file.size() - first);
      const std::string topic = "skink/1/demo/model/0/" + std::to_string(chunk);
      std::vector<std::uint8_t> message(wire::kModelHeadBytes);
      store_u64(message.data(), crypto::prefix_of(digest));
      message.insert(message.end(), file.begin() + static_cast<std::ptrdiff_t>(first),
                     file.begin() + static_cast<std::ptrdiff_t>(first + size));
      REQUIRE(
          session_->publish(topic, {message.data(), message.size()}, mqtt::Quality::kAtLeastOnce, mqtt::Retain::kYes)
              .has_value());
    }
  }

  void ask(const std::string& id, const wire::Task& task) {
    std::uint8_t message[wire::kMaxControlBytes];
    std::size_t written = 0;
    REQUIRE(wire::encode_task(task, identity(id), message, written) == Status::kOk);
    send(id, "task", {message, written});
  }

  std::map<std::string, Answer> answers;
  std::map<std::string, wire::State> states;

 private:
  wire::Identity identity(const std::string& id) {
    if (keys_.find(id) == keys_.end()) {
      const auto credentials = edge::read_credentials(broker_.pki(), id);
      REQUIRE(credentials.has_value());
      keys_[id] = credentials->key;
    }
    return {keys_.find(id)->first.c_str(), keys_[id]};
  }

  void send(const std::string& id, const std::string& topic, Bytes message) {
    REQUIRE(
        session_
            ->publish("skink/1/demo/dev/" + id + "/" + topic, message, mqtt::Quality::kAtLeastOnce, mqtt::Retain::kNo)
            .has_value());
  }

  void take(const mqtt::Event& event) {
    wire::Topic topic;
    REQUIRE(wire::parse_topic({event.topic.data(), event.topic.size()}, topic));
    const std::string id(topic.device_id.begin(), topic.device_id.end());
    const Bytes bytes(event.payload.data(), event.payload.size());
    if (topic.kind == wire::TopicKind::kState) {
      REQUIRE(wire::decode_state(bytes, identity(id), states[id]) == Status::kOk);
      return;
    }
    Answer& answer = answers[id];
    Bytes payload;
    REQUIRE(wire::decode_update(bytes, identity(id), answer.update, payload) == Status::kOk);
    answer.payload.insert(answer.payload.end(), payload.begin(), payload.end());
    ++answer.messages;
    if (answer.update.chunk + 1 == answer.update.chunk_count) accept(id, answer.update.id);
  }

  void accept(const std::string& id, const wire::RoundId& round) {
    wire::Reply reply{};
    reply.run = round.run;
    reply.round = round.round;
    reply.attempt = round.attempt;
    reply.verdict = skink_wire_Verdict_VERDICT_ACCEPTED;
    std::uint8_t message[wire::kMaxControlBytes];
    std::size_t written = 0;
    REQUIRE(wire::encode_reply(reply, identity(id), message, written) == Status::kOk);
    send(id, "reply", {message, written});
  }

  const test::Broker& broker_;
  mqtt::EventQueue queue_;
  std::unique_ptr<mqtt::Session> session_;
  std::map<std::string, crypto::Key> keys_;
};

/// An experiment, its first model, and the answers that arithmetic demands.
struct Reference {
  Reference() : experiment(*parse_experiment(kExperiment, "test")), generator(*TaskGenerator::create(experiment, {})) {
    model.network = make_network(experiment.model);
    const std::vector<float> phi = initial_parameters(experiment.model, experiment.seed);
    file.resize(model::model_bytes(model.network, model.input.count));
    REQUIRE(model::encode(model, {phi.data(), phi.size()}, {file.data(), file.size()}, digest) == Status::kOk);
  }

  wire::Task task(skink_wire_TaskKind kind, std::uint32_t device_index) const {
    wire::Task task{};
    task.has_versions = true;
    task.versions = wire::own_versions();
    task.run = 1;
    task.attempt = 0;
    task.kind = kind;
    task.device_index = device_index;
    std::memcpy(task.model_sha256, digest.bytes, sizeof digest.bytes);
    task.model_bytes = static_cast<std::uint32_t>(file.size());
    task.seed = experiment.seed;
    task.inner_learning_rate = experiment.meta.inner_learning_rate;
    task.passes = experiment.meta.passes;
    task.batch_size = 1;
    std::strcpy(task.uplink, "float32");
    task.time_left_ms = 60000;
    task.task_count = 4;
    return task;
  }

  /// Runs the task here.
  edge::TaskRunner& compute(const wire::Task& task) {
    bytes = {file.data(), file.size()};
    source = model::source_of(bytes);
    REQUIRE(model::inspect(source, info) == Status::kOk);
    edge::TaskSettings settings;
    settings.kind =
        task.kind == skink_wire_TaskKind_TASK_KIND_ADAPT ? wire::TaskKind::kAdapt : wire::TaskKind::kEvaluate;
    settings.seed = task.seed;
    settings.round = task.round;
    settings.device_index = task.device_index;
    settings.first_task = task.first_task;
    settings.task_count = task.task_count;
    settings.inner_learning_rate = task.inner_learning_rate;
    settings.passes = task.passes;
    arena.resize(device_memory(experiment).arena() / sizeof(float));
    REQUIRE(runner.begin(info, source, samples.source(), settings,
                         {reinterpret_cast<std::uint8_t*>(arena.data()), arena.size() * sizeof(float)}) == Status::kOk);
    edge::Progress progress = edge::Progress::kMore;
    while (progress == edge::Progress::kMore) progress = runner.step();
    REQUIRE(progress == edge::Progress::kDone);
    return runner;
  }

  Experiment experiment;
  TaskGenerator generator;
  model::Model model;
  std::vector<std::uint8_t> file;
  crypto::Digest digest;
  Bytes bytes;  ///< of `file`; `source` points here
  model::ByteSource source;
  model::ModelInfo info;
  std::vector<float> arena;
  edge::TaskSource samples{generator};
  edge::TaskRunner runner;
};

/// A ClientHost on its own thread, stopped at the end.
class RunningHost {
 public:
  RunningHost(const Reference& reference, const test::Broker& broker, std::size_t devices,
              std::size_t arena_bytes = 0) {
    edge::ClientHostOptions options;
    options.fleet = broker.fleet();
    options.broker = {"127.0.0.1", static_cast<std::uint16_t>(broker.port())};
    options.identity = broker.pki();
    for (std::size_t i = 0; i < devices; ++i) options.device_ids.push_back("device-00" + std::to_string(i));
    options.arena_bytes = arena_bytes;
    auto created = edge::ClientHost::create(reference.experiment, reference.generator, options);
    REQUIRE(created.has_value());
    host = std::move(*created);
    thread_ = std::thread([this] { code = host->run(stop_); });
  }
  ~RunningHost() { stop(); }

  void stop() {
    stop_ = true;
    if (thread_.joinable()) thread_.join();
  }

  std::unique_ptr<edge::ClientHost> host;
  ExitCode code = ExitCode::kInternal;

 private:
  std::atomic<bool> stop_{false};
  std::thread thread_;
};

bool all_online(const Asker& asker, std::size_t devices, bool online) {
  std::size_t count = 0;
  for (const auto& [id, state] : asker.states) count += state.online == online ? 1 : 0;
  return count == devices;
}

}  // namespace

TEST_CASE("client host: a sum of counters leaves none out", "[edge][linux]") {
  edge::ClientCounters one;
  edge::ClientCounters other;
  one.tasks = 3;
  other.tasks = 4;
  one.patched = 5;
  other.patches_failed = 6;
  one.refused[wire::kRefusalCount - 1] = 1;
  other.refused[wire::kRefusalCount - 1] = 1;
  const edge::ClientCounters sum = edge::sum_of(one, other);
  CHECK(sum.tasks == 7);
  CHECK(sum.patched == 5);
  CHECK(sum.patches_failed == 6);
  CHECK(sum.refused[wire::kRefusalCount - 1] == 2);
}

TEST_CASE("client host: devices answer tasks with the bits that the arithmetic demands", "[edge][linux][broker]") {
  const auto broker = test::Broker::start({.devices = 3});
  if (!broker) return;
  Reference reference;
  Asker asker(*broker);
  RunningHost running(reference, *broker, 3);
  REQUIRE(asker.serve_until([&] { return all_online(asker, 3, true); }));
  CHECK(asker.states["device-000"].arena_bytes == device_memory(reference.experiment).arena());
  CHECK(wire::same_versions(asker.states["device-001"].versions));

  asker.publish_model(reference.file, reference.digest);
  const wire::Task adapt0 = reference.task(skink_wire_TaskKind_TASK_KIND_ADAPT, 0);
  const wire::Task adapt1 = reference.task(skink_wire_TaskKind_TASK_KIND_ADAPT, 1);
  const wire::Task evaluate = reference.task(skink_wire_TaskKind_TASK_KIND_EVALUATE, 0);
  asker.ask("device-000", adapt0);
  asker.ask("device-001", adapt1);
  asker.ask("device-002", evaluate);
  REQUIRE(asker.serve_until([&] { return running.host->counters().accepted == 3; }));

  for (const auto& [id, task] : {std::pair{"device-000", adapt0}, std::pair{"device-001", adapt1}}) {
    const Answer& answer = asker.answers[id];
    REQUIRE(answer.update.outcome == wire::Outcome::kAdapted);
    CHECK(answer.update.support_samples == 16);
    CHECK(answer.messages == answer.update.chunk_count);
    std::vector<float> change(reference.model.network.parameter_count());
    REQUIRE(codec::decode(codec::Codec{}, reference.model.network, codec::Key{},
                          {answer.payload.data(), answer.payload.size()},
                          {change.data(), change.size()}) == Status::kOk);
    const Span<const float> adapted = reference.compute(task).parameters();
    const std::vector<float> phi = initial_parameters(reference.experiment.model, reference.experiment.seed);
    std::vector<float> expected(phi.size());
    for (std::size_t i = 0; i < phi.size(); ++i) expected[i] = adapted[i] - phi[i];
    CHECK(change == expected);
  }
  const wire::Evaluation& here = reference.compute(evaluate).evaluation();
  const wire::Evaluation& there = asker.answers["device-002"].update.evaluation;
  CHECK(asker.answers["device-002"].update.outcome == wire::Outcome::kEvaluated);
  CHECK(there.loss_before == here.loss_before);
  CHECK(there.loss_after == here.loss_after);
  CHECK(there.query_samples == here.query_samples);

  running.stop();
  CHECK(running.code == ExitCode::kOk);
  CHECK(asker.serve_until([&] { return all_online(asker, 3, false); }));
}

TEST_CASE("client host: devices come back after the broker was killed in the middle of a round",
          "[edge][linux][broker]") {
  const auto broker = test::Broker::start({.devices = 2});
  if (!broker) return;
  Reference reference;
  auto asker = std::make_unique<Asker>(*broker);
  RunningHost running(reference, *broker, 2);
  REQUIRE(asker->serve_until([&] { return all_online(*asker, 2, true); }));
  asker->ask("device-000", reference.task(skink_wire_TaskKind_TASK_KIND_ADAPT, 0));  // the model is not there yet
  REQUIRE(asker->serve_until([&] { return running.host->counters().tasks == 1; }));

  asker.reset();
  broker->restart();
  asker = std::make_unique<Asker>(*broker);
  asker->publish_model(reference.file, reference.digest);
  REQUIRE(asker->serve_until([&] { return all_online(*asker, 2, true); }));
  REQUIRE(asker->serve_until([&] { return running.host->counters().accepted == 1; }));
  CHECK(asker->answers["device-000"].update.outcome == wire::Outcome::kAdapted);
}

TEST_CASE("client host: a task that does not fit the arena is refused with both numbers", "[edge][linux][broker]") {
  const auto broker = test::Broker::start({});
  if (!broker) return;
  Reference reference;
  Asker asker(*broker);
  constexpr std::size_t kSmall = 1024;
  RunningHost running(reference, *broker, 1, kSmall);
  REQUIRE(asker.serve_until([&] { return all_online(asker, 1, true); }));
  asker.publish_model(reference.file, reference.digest);
  asker.ask("device-000", reference.task(skink_wire_TaskKind_TASK_KIND_ADAPT, 0));
  REQUIRE(asker.serve_until([&] { return asker.answers.count("device-000") == 1; }));
  const wire::Update& update = asker.answers["device-000"].update;
  CHECK(update.refusal == wire::Refusal::kDoesNotFit);
  CHECK(update.needed_bytes == device_memory(reference.experiment).arena());
  CHECK(update.available_bytes == kSmall);
}

TEST_CASE("client host: identities that cannot be used are named", "[edge][linux][broker]") {
  const auto broker = test::Broker::start({});
  if (!broker) return;
  Reference reference;
  edge::ClientHostOptions options;
  options.fleet = "demo";
  options.broker = {"127.0.0.1", static_cast<std::uint16_t>(broker->port())};
  options.identity = broker->pki();
  const auto error_of = [&](const std::string& id) {
    options.device_ids = {id};
    const auto host = edge::ClientHost::create(reference.experiment, reference.generator, options);
    REQUIRE_FALSE(host.has_value());
    return host.error();
  };
  CHECK(error_of("device-777").code == Status::kUnavailable);
  CHECK(error_of("device-777").message.find("device-777/hmac.key") != std::string::npos);
  CHECK(error_of("a/b").code == Status::kInvalidArgument);
  options.fleet = "not a fleet";
  CHECK(error_of("device-000").code == Status::kInvalidArgument);
}
