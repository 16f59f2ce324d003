#include "skink/coordinator/setup/authority_steps.hpp"

#include <fmt/format.h>

#include "skink/coordinator/provisioning/fleet_keys.hpp"
#include "skink/coordinator/provisioning/renewal.hpp"
#include "skink/coordinator/setup/gateway_folder.hpp"
#include "skink/host/files/files.hpp"

namespace skink::setup {
namespace {

constexpr std::size_t kNamedDevices = 5;

/// The broker has its own copy of whom to trust.
Result<void> tell_broker(const GatewayFolder& gateway) {
  const auto trusted = read_file(gateway.pki() + "/ca.pem");
  if (!trusted) return trusted.error();
  auto done = write_file(gateway.broker() + "/ca.pem", *trusted, Readers::kEverybody);
  return done ? give_to_services(gateway.root) : done;
}

std::string some_of(const std::vector<std::string>& ids) {
  std::string text;
  for (std::size_t i = 0; i < ids.size() && i < kNamedDevices; ++i) text += (text.empty() ? "" : ", ") + ids[i];
  return ids.size() > kNamedDevices ? fmt::format("{} and {} others", text, ids.size() - kNamedDevices) : text;
}

}  // namespace

Result<void> announce_authority(const std::string& folder) {
  const GatewayFolder gateway{folder};
  const auto done = provisioning::announce_authority(gateway.pki(), provisioning::kAuthorityDays);
  return done ? tell_broker(gateway) : done;
}

Result<void> sign_authorities_again(const std::string& folder) {
  return provisioning::sign_authorities_again(GatewayFolder{folder}.pki());
}

Result<void> adopt_authority(const std::string& folder, std::uint32_t days, bool loses) {
  const GatewayFolder gateway{folder};
  if (provisioning::authority_change(gateway.pki()) == provisioning::AuthorityChange::kAnnounced && !loses) {
    const auto left = provisioning::devices_of_former(gateway.pki());
    if (!left) return left.error();
    if (!left->empty()) {
      return make_error(Status::kInvalidArgument,
                        fmt::format("{} do not trust the next authority yet, and would refuse the broker for good: "
                                    "'skinkctl renewals ask' renews them, --lose-devices adopts it all the same",
                                    some_of(*left)));
    }
  }
  auto done = provisioning::adopt_authority(gateway.pki());
  if (done) done = tell_broker(gateway);
  if (!done) return done;
  const auto renewed = renew_certificates(folder, {}, days);
  if (!renewed) return renewed.error();
  return {};
}

Result<void> retire_authority(const std::string& folder, bool loses) {
  const GatewayFolder gateway{folder};
  const auto devices = provisioning::devices_of_former(gateway.pki());
  if (!devices) return devices.error();
  if (!devices->empty() && !loses) {
    return make_error(
        Status::kInvalidArgument,
        fmt::format("{} have no certificate of the present authority, and the broker would let them in no more: "
                    "'skinkctl renewals ask' renews those that are there, --lose-devices retires it all the same",
                    some_of(*devices)));
  }
  const auto done = provisioning::retire_authority(gateway.pki());
  return done ? tell_broker(gateway) : done;
}

}  // namespace skink::setup
