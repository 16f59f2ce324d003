#pragma once
/// @file
/// A message to one device, under its key. Private to the core.

#include <cstddef>
#include <stdexcept>

#include "skink/common/wire/messages.hpp"
#include "skink/coordinator/core/actions.hpp"
#include "skink/coordinator/core/device_book.hpp"

namespace skink::coordinator::internal {

/// As `encode` writes it.
template <class Message, class Encode>
Publish sealed(wire::TopicKind topic, const KnownDevice& device, const Message& message, Encode encode) {
  Publish publish;
  publish.topic = topic;
  publish.device_id = device.id;
  publish.payload.resize(wire::kMaxControlBytes);
  std::size_t written = 0;
  const MutableBytes out{publish.payload.data(), publish.payload.size()};
  if (encode(message, {device.id.c_str(), device.key}, out, written) != Status::kOk) {
    throw std::logic_error("a task or reply does not fit in kMaxControlBytes");
  }
  publish.payload.resize(written);
  return publish;
}

}  // namespace skink::coordinator::internal
