/// @file
/// What simulations/wire predicts, for scripts/measure-wire.
///
///   wire_cost_program rounds host|microcontroller EXPERIMENT [KEY=VALUE]...
///       For each line ROUND DEVICE_INDEX ID_BYTES FLEET_BYTES HAS_MODEL CHUNK_BYTES ENCODED_BYTES PATCH_BYTES of
///       standard input one of standard output: up and down of payload, MQTT, TLS and TCP/IP; eight numbers.
///       PATCH_BYTES: the encoded step of the round before, from which the device makes its model; 0 if it fetches it.
///   wire_cost_program table host|microcontroller
///       The cost of sending a change in one chunk, as docs/wire-cost.md has it.

#include <cstdio>
#include <iostream>
#include <string>
#include <vector>

#include "skink/host/experiment/scope.hpp"
#include "skink/rounds/downlink.hpp"
#include "skink/simulations/wire_cost.hpp"

using namespace skink;
using namespace skink::simulations;

namespace {

int fail(const std::string& reason) {
  std::fprintf(stderr, "wire_cost_program: %s\n", reason.c_str());
  return 2;
}

void print(const WireCost& cost) {
  for (const WireBytes& bytes : {cost.payload, cost.mqtt, cost.tls, cost.tcp_ip}) {
    std::printf("%llu %llu ", static_cast<unsigned long long>(bytes.up), static_cast<unsigned long long>(bytes.down));
  }
  std::printf("\n");
}

/// Of the chain that a device gets with a round's task when it took part in the one before.
std::uint32_t chain_bytes(const Experiment& experiment, std::uint32_t round, std::uint32_t patch_bytes) {
  if (round == 0 || patch_bytes == 0) return 0;
  rounds::PatchBook book(experiment.downlink, scoped_networks(experiment).sent.frozen(),
                         2 * std::size_t{patch_bytes} + 100);
  const crypto::Digest before{{1}};
  book.add({round - 1, before, std::vector<std::uint8_t>(patch_bytes)});
  return static_cast<std::uint32_t>(book.chain_from(before).size());
}

int print_rounds(const LinkProfile& link, const std::string& file, const std::vector<std::string>& settings) {
  const auto overrides = parse_overrides(settings);
  if (!overrides) return fail(overrides.error().message);
  const auto experiment = read_experiment(file, *overrides);
  if (!experiment) return fail(experiment.error().message);
  std::uint32_t round = 0;
  std::uint32_t index = 0;
  std::uint32_t id_bytes = 0;
  std::uint32_t fleet_bytes = 0;
  bool has_model = false;
  std::uint32_t chunk_bytes = 0;
  std::uint32_t encoded_bytes = 0;
  std::uint32_t patch_bytes = 0;
  while (std::cin >> round >> index >> id_bytes >> fleet_bytes >> has_model >> chunk_bytes >> encoded_bytes >>
         patch_bytes) {
    DeviceRound wanted = device_round_of(*experiment, id_bytes, fleet_bytes);
    if (!has_model) wanted.patch_bytes = chain_bytes(*experiment, round, patch_bytes);
    if (has_model || wanted.patch_bytes != 0) wanted.fetches.clear();
    wanted.round = round;
    wanted.device_index = index;
    wanted.chunk_bytes = chunk_bytes;
    wanted.encoded_bytes = encoded_bytes;
    print(device_round_cost(wanted, link));
  }
  return std::cin.eof() ? 0 : fail("not a line of eight numbers");
}

constexpr std::uint32_t kTopicBytes = sizeof "skink/1/demo/dev/device-000/update" - 1;

int print_table(const LinkProfile& link, std::uint32_t chunk_bytes) {
  std::printf("| change | fields and code | PUBLISH | TLS | TCP/IP | up | down | overhead |\n");
  std::printf("|---|---|---|---|---|---|---|---|\n");
  for (const std::uint32_t change : {20U, 100U, 500U, 1000U, 2000U, 4000U}) {
    if (change > chunk_bytes) break;
    DeviceRound round;
    round.uplink = "int8";
    round.encoded_bytes = change;
    const auto message = static_cast<std::uint32_t>(device_round_cost(round).payload.up);
    const WireCost cost = publish_up(kTopicBytes, message, link);
    const WireBytes total = cost.total();
    const auto of = [](std::uint64_t bytes) { return static_cast<unsigned>(bytes); };
    std::printf("| %u | %u | %u | %u | %u | %u | %u | %.0f %% |\n", change, message - change, of(cost.mqtt.up),
                of(cost.tls.up), of(cost.tcp_ip.up), of(total.up), of(total.down),
                100.0 * (static_cast<double>(total.up + total.down) / change - 1));
  }
  return 0;
}

}  // namespace

int main(int count, char** values) {
  const std::vector<std::string> arguments(values + 1, values + count);
  if (arguments.size() < 2 || (arguments[1] != "host" && arguments[1] != "microcontroller"))
    return fail("see its file");
  const bool is_host = arguments[1] == "host";
  const LinkProfile link = is_host ? LinkProfile::host() : LinkProfile::microcontroller();
  if (arguments[0] == "table") return print_table(link, is_host ? 4096 : 2048);
  if (arguments[0] != "rounds" || arguments.size() < 3) return fail("see its file");
  return print_rounds(link, arguments[2], {arguments.begin() + 3, arguments.end()});
}
