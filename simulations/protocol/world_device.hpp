#pragma once
/// @file
/// A device of the World: the client that is deployed, its memory and its samples.

#include <algorithm>
#include <cstring>
#include <optional>

#include "skink/simulations/protocol/world.hpp"

namespace skink::simulations {

struct World::Device {
  Device(std::string device_id, const crypto::Key& key, const TaskGenerator& tasks, std::size_t arena_bytes,
         std::size_t model_bytes)
      : id(std::move(device_id)),
        arena(arena_bytes / sizeof(float)),
        model(model_bytes),
        source(tasks),
        client_key(key) {
    restart();
  }

  /// As after a reset: the arena is empty, the slot is not.
  void restart() {
    std::fill(arena.begin(), arena.end(), 0.0F);
    client.emplace(config(client_key), platform());
    (void)client->restore_model(static_cast<std::uint32_t>(model.size()));  // none yet: it is fetched
  }

  edge::ClientConfig config(const crypto::Key& key) {
    edge::ClientConfig config;
    config.identity = {id.c_str(), key};
    config.arena = {reinterpret_cast<std::uint8_t*>(arena.data()), arena.size() * sizeof(float)};
    config.firmware = "skink-sim";
    return config;
  }
  edge::Platform platform() {
    edge::Platform platform;
    platform.model.context = this;
    platform.model.size = static_cast<std::uint32_t>(model.size());
    platform.model.read = [](void* context, std::uint32_t offset, MutableBytes out) {
      const auto& slot = static_cast<Device*>(context)->model;
      if (offset > slot.size() || out.size() > slot.size() - offset) return Status::kUnavailable;
      std::memcpy(out.data(), slot.data() + offset, out.size());
      return Status::kOk;
    };
    platform.model.in_place = [](void* context) -> const std::uint8_t* {
      return static_cast<Device*>(context)->model.data();
    };
    platform.samples = source.source();
    return platform;
  }

  std::string id;
  bool connected = false;
  Payload state;  // retained at the broker
  std::vector<float> arena;
  std::vector<std::uint8_t> model;
  edge::TaskSource source;
  crypto::Key client_key;
  std::optional<edge::Client> client;
  std::size_t place = 0;                          // of the event that it handles
  std::vector<Outgoing> outgoing;                 // what it says meanwhile
  std::uint64_t timer_ms = edge::Client::kNever;  // when its pending timer event fires
};

}  // namespace skink::simulations
