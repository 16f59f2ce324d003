#pragma once
/// @file
/// A device of firmware/core on the bench: its flash, and a connection whose other end is the test.

#include <algorithm>
#include <catch2/catch.hpp>
#include <memory>
#include <string>
#include <vector>

#include "fakes/client_bench.hpp"
#include "fakes/fake_flash.hpp"
#include "skink/common/little_endian.hpp"
#include "skink/firmware/device.hpp"

namespace skink::test {

/// A device with its flash, on a connection whose other end is the test.
class DeviceBench {
 public:
  /// @param[in] release_key  outlives the bench; empty: the device takes no releases
  explicit DeviceBench(Bytes release_key = {}) : flash(512, 62, 8), arena_(4096), release_key_(release_key) { start(); }

  /// A new device on what the flash holds, as after a reset, and its connection.
  void start() {
    device.reset();
    journal = firmware::Journal();
    models = firmware::ModelStore();
    releases = firmware::ModelStore();
    REQUIRE(journal.open(flash.flash, 0) == Status::kOk);
    REQUIRE(models.open(flash.flash, 2, 15) == Status::kOk);
    REQUIRE(releases.open(flash.flash, 32, 15) == Status::kOk);
    firmware::DeviceConfig config;
    config.identity = coordinator.identity;
    config.fleet = {"f", 1};
    config.arena = {reinterpret_cast<std::uint8_t*>(arena_.data()), arena_.size() * sizeof(float)};
    config.samples = coordinator.samples.source();
    config.release_key = release_key_;
    device = std::make_unique<firmware::Device>(config, firmware::DeviceStores{models, releases, journal});
    REQUIRE(device->on_stream_open(0));
    drain();
    const std::uint8_t accepted[] = {0x20, 2, 0, 0};
    REQUIRE(device->receive(Bytes(accepted), 0));
    drain();
  }

  /// Everything that the device wants to send.
  void drain() {
    for (Bytes out = device->output(0); !out.empty(); out = device->output(0)) {
      sent.insert(sent.end(), out.begin(), out.end());
      device->sent(out.size(), 0);
    }
  }

  /// A message of QoS 0 from the broker.
  void publish(const std::string& topic, const Message& payload) {
    std::string packet;
    for (std::size_t left = 2 + topic.size() + payload.size(); left > 0 || packet.empty(); left /= 128) {
      packet += static_cast<char>(left % 128 + (left >= 128 ? 128 : 0));
    }
    packet = '\x30' + packet + '\0' + static_cast<char>(topic.size()) + topic;
    packet.append(payload.begin(), payload.end());
    REQUIRE(device->receive({reinterpret_cast<const std::uint8_t*>(packet.data()), packet.size()}, 0));
    drain();
  }

  void give_task(std::uint32_t attempt) {
    publish("skink/1/f/dev/bench-1/task", coordinator.encoded(coordinator.task(0, attempt)));
  }

  void give_model(const Message& file, wire::TopicKind kind = wire::TopicKind::kModel) {
    char topic[wire::kMaxTopicBytes];
    for (std::uint32_t chunk = 0; chunk < coordinator.model_chunks(); ++chunk) {
      wire::Topic name;
      name.kind = kind;
      name.slot = kind == wire::TopicKind::kModel ? 0 : 1;
      name.fleet = {"f", 1};
      name.chunk = chunk;
      const std::size_t length = wire::format_topic(name, topic);
      const auto begin = file.begin() + static_cast<std::ptrdiff_t>(chunk * wire::kModelChunkBytes);
      const auto left = static_cast<std::size_t>(file.end() - begin);
      const auto size = static_cast<std::ptrdiff_t>(std::min(wire::kModelChunkBytes, left));
      Message message(wire::kModelHeadBytes);
      store_u64(message.data(), crypto::prefix_of(coordinator.model.digest));
      message.insert(message.end(), begin, begin + size);
      publish({topic, length}, message);
    }
  }

  std::uint32_t refused(wire::Refusal reason) const {
    return device->client().counters().refused[static_cast<std::size_t>(reason)];
  }

  ClientBench coordinator;  ///< its messages
  FakeFlash flash;
  firmware::Journal journal;
  firmware::ModelStore models;
  firmware::ModelStore releases;
  Message sent;  ///< over the connection
  std::unique_ptr<firmware::Device> device;

 private:
  std::vector<float> arena_;
  Bytes release_key_;
};

}  // namespace skink::test
