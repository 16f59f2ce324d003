#pragma once
/// @file
/// How the tests of provisioning ask for devices of the fleet "plant".

#include <string>

#include "pki.hpp"
#include "skink/coordinator/provisioning/provisioner.hpp"

namespace skink::test {

inline provisioning::ProvisioningOptions options_for(const Pki& pki) {
  provisioning::ProvisioningOptions options;
  options.pki = pki.path();
  options.out = pki.file("images");
  options.fleet = "plant";
  options.broker = {"gateway.local", 8883};
  return options;
}

inline std::string reason(const Result<provisioning::Provisioner>& result) {
  return result ? "no error" : result.error().message;
}

}  // namespace skink::test
