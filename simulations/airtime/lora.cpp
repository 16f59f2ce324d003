#include "skink/simulations/airtime.hpp"

namespace skink::simulations {
namespace {

constexpr std::uint64_t kNanosecondsPerSecond = 1'000'000'000;
constexpr AirTime kLongSymbol = std::chrono::milliseconds(16);
constexpr std::uint32_t kPayloadBytes[kLorawanDataRates] = {51, 51, 51, 115, 222, 222};
constexpr std::uint32_t kSlowestSpreadingFactor = 12;

}  // namespace

AirTime lora_symbol(const LoraModulation& modulation) {
  return AirTime((kNanosecondsPerSecond << modulation.spreading_factor) / modulation.bandwidth_hz);
}

std::uint32_t lora_payload_symbols(const LoraModulation& modulation, std::uint32_t bytes) {
  const auto factor = static_cast<std::int64_t>(modulation.spreading_factor);
  const std::int64_t optimised = lora_symbol(modulation) > kLongSymbol ? 1 : 0;
  const std::int64_t bits = 8 * static_cast<std::int64_t>(bytes) - 4 * factor + 28 + (modulation.has_crc ? 16 : 0) -
                            (modulation.has_header ? 0 : 20);
  if (bits <= 0) return 8;
  const std::int64_t block = 4 * (factor - 2 * optimised);
  return static_cast<std::uint32_t>(8 + (bits + block - 1) / block * (modulation.coding_rate + 4));
}

AirTime lora_time_on_air(const LoraModulation& modulation, std::uint32_t bytes) {
  const std::uint32_t quarters =
      4 * (modulation.preamble_symbols + lora_payload_symbols(modulation, bytes)) + 17;  // and 4.25 symbols
  return lora_symbol(modulation) * quarters / 4;
}

std::uint32_t lorawan_payload_bytes(std::uint32_t data_rate) { return kPayloadBytes[data_rate]; }

LoraModulation lorawan_modulation(std::uint32_t data_rate) {
  LoraModulation modulation;
  modulation.spreading_factor = kSlowestSpreadingFactor - data_rate;
  return modulation;
}

}  // namespace skink::simulations
