#pragma once
/// @file
/// What a device says, as a test of the coordinator's side writes it.

#include <catch2/catch.hpp>
#include <cstring>
#include <vector>

#include "skink/common/wire/messages.hpp"

namespace skink::test {

/// @param[in] challenge  that it answers; 0: none
/// @param[in] model      as State::model; 0: none
/// @param[in] last       the last task that it took; run 0: none
inline std::vector<std::uint8_t> birth_message(const wire::Identity& identity, std::uint64_t challenge,
                                               std::uint64_t model = 0, const wire::RoundId& last = {},
                                               std::uint32_t samples = 0) {
  wire::State state{};
  state.has_versions = true;
  state.versions = wire::own_versions();
  state.online = true;
  state.model = model;
  state.challenge = challenge;
  state.run = last.run;
  state.round = last.round;
  state.samples = samples;
  std::vector<std::uint8_t> bytes(wire::kMaxControlBytes);
  std::size_t written = 0;
  REQUIRE(wire::encode_state(state, identity, {bytes.data(), bytes.size()}, written) == Status::kOk);
  bytes.resize(written);
  return bytes;
}

inline std::vector<std::uint8_t> update_message(const wire::Identity& identity, const wire::Update& update,
                                                const std::vector<std::uint8_t>& payload) {
  const wire::PayloadSource source{const_cast<std::uint8_t*>(payload.data()),
                                   [](void* context, MutableBytes out) {
                                     std::memcpy(out.data(), context, out.size());
                                     return Status::kOk;
                                   },
                                   payload.size()};
  std::vector<std::uint8_t> bytes(payload.size() + wire::kUpdateOverheadBytes);
  std::size_t written = 0;
  REQUIRE(wire::encode_update(update, source, identity, {bytes.data(), bytes.size()}, written) == Status::kOk);
  bytes.resize(written);
  return bytes;
}

}  // namespace skink::test
