#pragma once
/// @file
/// An application of skink.h on a flash that can lose its power; its model is of the corners of a square.

#include <catch2/catch.hpp>
#include <cstring>
#include <memory>
#include <random>
#include <utility>
#include <vector>

#include "fakes/corner_model.hpp"
#include "fakes/fake_flash.hpp"
#include "skink/skink.h"

namespace skink::test {

inline FakeFlash& flash_of(void* context) { return *static_cast<FakeFlash*>(context); }

/// What the callbacks were told.
struct Told {
  std::vector<std::pair<std::uint32_t, skink_round_event>> rounds;
  std::vector<std::pair<skink_model_kind, std::uint32_t>> models;
  std::vector<skink_outcome> outcomes;
};

inline Told& told_of(void* context) { return *static_cast<Told*>(context); }

/// An application: the device and all its memory.
class Application {
 public:
  explicit Application(std::uint32_t sectors = 24) : flash(512, sectors, 8) {
    crypto::Digest digest;
    model = corner_model_file(digest);
    config.flash = {&flash,
                    512,
                    sectors,
                    8,
                    nullptr,
                    [](void* context, std::uint32_t address, std::uint8_t* out, std::size_t count) {
                      return flash_of(context).flash.read(address, {out, count}) == Status::kOk ? 0 : 1;
                    },
                    [](void* context, std::uint32_t address, const std::uint8_t* bytes, std::size_t count) {
                      const firmware::Flash& part = flash_of(context).flash;
                      return part.program_function(part.context, address, {bytes, count}) == Status::kOk ? 0 : -1;
                    },
                    [](void* context, std::uint32_t sector) {
                      const firmware::Flash& part = flash_of(context).flash;
                      return part.erase_function(part.context, sector) == Status::kOk ? 0 : 7;
                    }};
    config.arena = reinterpret_cast<std::uint8_t*>(arena.data());
    config.arena_bytes = arena.size() * sizeof(float);
    config.model_sectors = 3;
    config.personal_sectors = 3;
    config.sample_sectors = 6;
    config.shape = {2, kCorners, 1, 5, SKINK_INT16};
    config.sample_slots = slots.data();
    config.sample_slot_count = slots.size();
    config.observation = observation;
    config.model = {model.data(), model.size()};
    config.events.context = &told;
    config.events.on_model = [](void* context, skink_model_kind kind, std::uint32_t number) {
      told_of(context).models.emplace_back(kind, number);
    };
    config.events.on_round = [](void* context, std::uint32_t round, skink_round_event event) {
      told_of(context).rounds.emplace_back(round, event);
    };
    config.events.on_adapted = [](void* context, skink_outcome outcome) {
      told_of(context).outcomes.push_back(outcome);
    };
  }

  /// Makes it the device "bench-1" of the fleet "f", with nothing but rounds. Before start().
  void join_fleet() {
    std::strcpy(identity.device_id, "bench-1");
    std::strcpy(identity.fleet, "f");
    std::memset(identity.key, 0x42, sizeof identity.key);
    arena.resize(8192);
    config.identity = &identity;
    config.model = {};
    config.arena = reinterpret_cast<std::uint8_t*>(arena.data());
    config.arena_bytes = arena.size() * sizeof(float);
    config.shape = {1, 0, 1, 0, SKINK_FLOAT32};
    config.model_sectors = 15;
    config.personal_sectors = 0;
  }

  skink_status start() { return skink_init(device.get(), &config); }

  skink_state state() const {
    skink_state found;
    skink_get_state(device.get(), &found);
    return found;
  }

  skink_status teach(std::mt19937& random) {
    for (std::uint32_t i = 0; i < 5 * kCorners; ++i) {
      const std::vector<float> x = sample_of(i % kCorners, random);
      REQUIRE(skink_observe(device.get(), x.data(), x.size()) == SKINK_OK);
      const skink_status status = skink_label(device.get(), own_label(i % kCorners));
      if (status != SKINK_OK) return status;
    }
    return SKINK_OK;
  }

  void work() {
    std::uint64_t next_ms = 0;
    for (int step = 0; next_ms == 0; ++step) {
      REQUIRE(step < 100000);
      REQUIRE(skink_poll(device.get(), 0, &next_ms) == SKINK_OK);
    }
    CHECK(next_ms == ~std::uint64_t{0});
  }

  int right() {
    std::mt19937 random(11);
    int count = 0;
    for (std::uint32_t i = 0; i < 20; ++i) {
      const std::vector<float> x = sample_of(i % kCorners, random);
      float outputs[kCorners];
      REQUIRE(skink_observe(device.get(), x.data(), x.size()) == SKINK_OK);
      REQUIRE(skink_predict(device.get(), outputs, kCorners) == SKINK_OK);
      count += skink_argmax(outputs, kCorners) == own_label(i % kCorners) ? 1 : 0;
    }
    return count;
  }

  FakeFlash flash;
  std::vector<std::uint8_t> model;
  std::vector<float> arena = std::vector<float>(1024);
  std::vector<skink_sample_slot> slots = std::vector<skink_sample_slot>(32);
  float observation[2] = {};
  Told told;
  skink_config config{};
  skink_identity identity{};
  std::unique_ptr<skink_device> device = std::make_unique<skink_device>();
};

}  // namespace skink::test
