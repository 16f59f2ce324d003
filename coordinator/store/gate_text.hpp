#pragma once
/// @file
/// The gate of a run's model as its column has it. Private to the store.

#include <string>

#include "skink/coordinator/store/fleet_store.hpp"

namespace skink::coordinator::internal {

/// {"group", "least_gain", "least_devices", "wait_s"}; empty where the order has no gate.
std::string encode_gate(const RunOrder& order);
/// Sets release policy and gate of `order`. False: that is no text of encode_gate(), or no name of a policy.
bool decode_release(const std::string& policy, const std::string& gate, RunOrder& order);

}  // namespace skink::coordinator::internal
