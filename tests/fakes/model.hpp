#pragma once
/// @file
/// A model file with random parameters, and storage to keep it in that can fail.

#include <catch2/catch.hpp>
#include <cstring>
#include <vector>

#include "skink/common/model/model_file.hpp"
#include "unit/common/nn/nets.hpp"

namespace skink::test {

struct FakeModel {
  model::Model model;
  std::vector<float> parameters;
  std::vector<std::uint8_t> file;
  crypto::Digest digest;

  explicit FakeModel(const NetSpec& spec, std::uint32_t seed = 1, const model::Adaptation& adaptation = {}) {
    model.network = build(spec);
    model.adaptation = adaptation;
    model.input.scale = 0.75F;
    model.input.offset = 0.125F;
    NetLottery lottery(seed);
    parameters.resize(model.network.parameter_count());
    for (float& value : parameters) value = static_cast<float>(lottery.real(-0.6, 0.6));
    file.resize(model::model_bytes(model));
    REQUIRE(model::encode(model, {parameters.data(), parameters.size()}, {file.data(), file.size()}, digest) ==
            Status::kOk);
  }
};

/// Makes the digest at the end right again after a change.
inline crypto::Digest seal(std::vector<std::uint8_t>& file) {
  const crypto::Digest digest = crypto::sha256({file.data(), file.size() - crypto::kDigestBytes});
  std::memcpy(file.data() + file.size() - crypto::kDigestBytes, digest.bytes, crypto::kDigestBytes);
  return digest;
}

/// The model slot of a device.
struct FakeSlot {
  std::vector<std::uint8_t> bytes;
  bool readable = true;
  bool is_mapped = false;  ///< can be read like memory, as flash of a microcontroller

  model::ByteSource source() {
    return {this,
            [](void* context, std::uint32_t offset, MutableBytes out) {
              auto& slot = *static_cast<FakeSlot*>(context);
              REQUIRE(offset + out.size() <= slot.bytes.size());  // the contract: never beyond `size`
              if (!slot.readable) return Status::kUnavailable;
              std::memcpy(out.data(), slot.bytes.data() + offset, out.size());
              return Status::kOk;
            },
            static_cast<std::uint32_t>(bytes.size()),
            [](void* context) -> const std::uint8_t* {
              const auto& slot = *static_cast<FakeSlot*>(context);
              return slot.is_mapped ? slot.bytes.data() : nullptr;
            }};
  }
};

}  // namespace skink::test
