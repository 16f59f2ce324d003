#pragma once
/// @file
/// Time on air: how long a radio sends the messages of a round, in how many frames. LoRa by the formula of Semtech's
/// documents, IEEE 802.15.4 with 6LoWPAN fragments, and links of which only the rate is known. Arithmetic only: no
/// radio, no channel, no loss, no access to the medium. docs/airtime.md says what is counted.

#include <chrono>
#include <cstdint>
#include <string>
#include <vector>

#include "skink/host/result.hpp"
#include "skink/simulations/wire_cost.hpp"

namespace skink::simulations {

using AirTime = std::chrono::nanoseconds;

// ---- LoRa -----------------------------------------------------------------------------------------------------------

/// How a LoRa frame is modulated. Defaults are those of LoRaWAN uplinks.
struct LoraModulation {
  std::uint32_t spreading_factor = 7;   ///< 7..12
  std::uint32_t bandwidth_hz = 125000;  ///< 125000, 250000 or 500000
  std::uint32_t coding_rate = 1;        ///< 1..4: 4/5..4/8
  std::uint32_t preamble_symbols = 8;   ///< without the 4.25 that the modem adds
  bool has_header = true;               ///< explicit header
  bool has_crc = true;
};

/// Length of a symbol: 2^SF / BW.
AirTime lora_symbol(const LoraModulation& modulation);

/// Symbols of header, payload and CRC. Low-data-rate optimisation is on where a symbol is longer than 16 ms.
/// Source: Semtech, SX1276/77/78/79 data sheet, section 4.1.1.6 and 4.1.1.7; AN1200.13.
/// @param[in] bytes  of the physical payload, 0..255
std::uint32_t lora_payload_symbols(const LoraModulation& modulation, std::uint32_t bytes);

/// Length of the whole frame, preamble included.
AirTime lora_time_on_air(const LoraModulation& modulation, std::uint32_t bytes);

/// Data rates of LoRaWAN in EU868 that are counted: DR0..DR5, SF12..SF7 with 125 kHz.
inline constexpr std::uint32_t kLorawanDataRates = 6;
/// Bytes that LoRaWAN adds to a frame without options: MHDR 1, FHDR 7, FPort 1, MIC 4.
inline constexpr std::uint32_t kLorawanMacBytes = 13;
/// The largest payload of an application at a data rate, bytes: 51, 51, 51, 115, 222, 222.
/// @param[in] data_rate  below kLorawanDataRates
std::uint32_t lorawan_payload_bytes(std::uint32_t data_rate);
/// @param[in] data_rate  below kLorawanDataRates
LoraModulation lorawan_modulation(std::uint32_t data_rate);

// ---- links ----------------------------------------------------------------------------------------------------------

/// What a link is.
enum class AirKind : std::uint8_t {
  kLora,    ///< frames of LoRaWAN
  k802154,  ///< UDP packets in 6LoWPAN fragments, 250 kbit/s
  kRate,    ///< a rate in bits a second; messages of a round as MQTT over TLS over TCP/IP
  kPlain,   ///< a rate in bits a second and nothing else: bytes are what they are
};

/// A link and what it adds.
struct AirLink {
  AirKind kind = AirKind::kLora;
  std::string name;                       ///< heads its columns
  std::uint32_t data_rate = 0;            ///< kLora: below kLorawanDataRates
  std::uint32_t piece_header_bytes = 0;   ///< kLora: of each frame, that say which piece of what it is
  std::uint64_t bits_per_second = 0;      ///< kRate, kPlain: >= 1
  std::uint32_t mtu = 1280;               ///< k802154, kRate: largest IP packet
  std::uint32_t packet_header_bytes = 0;  ///< k802154: of IP and UDP (48 uncompressed), below mtu; kRate: of IP and TCP
  double duty_cycle = 1;                  ///< share of the time in which the sender may send, above 0, at most 1
};

/// What a message costs.
struct AirCost {
  std::uint64_t bytes = 0;   ///< kRate: with MQTT, TLS, TCP and IP, of both directions; otherwise the message's own
  std::uint64_t frames = 0;  ///< kRate: IP packets; kPlain: 0
  AirTime air{0};            ///< the radio sends

  AirCost& operator+=(const AirCost& other);  ///< Sums.
  /// How long the sender is busy, the silence after the last frame included: air / duty cycle.
  double seconds_with_silence(double duty_cycle) const;
};

/// One kind of message of a round.
struct AirMessage {
  enum class Way : std::uint8_t { kUp, kDown, kBoth };  ///< to the broker; to the device; a sum
  std::string name;
  Way way = Way::kUp;
  std::vector<Fetch::Message> parts;  ///< the messages
};

/// @returns the cost; kInvalidArgument for a link that cannot be: a member out of range, or no room beside headers.
Result<AirCost> air_cost(const AirLink& link, const AirMessage& message);

/// Birth, task, model, patch (with a compressed downlink), update, reply of an experiment's device-round.
std::vector<AirMessage> air_messages(const Experiment& experiment);

// ---- a table --------------------------------------------------------------------------------------------------------

/// Messages in rows, links in columns; the last rows are the sums of a round.
struct AirTable {
  /// A row: costs[l] of links[l].
  struct Row {
    std::string name;
    AirMessage::Way way = AirMessage::Way::kUp;
    std::uint64_t messages = 0;
    std::uint64_t bytes = 0;  ///< of the messages, nothing added
    std::vector<AirCost> costs;
  };
  std::string what;  ///< the experiment's name; empty: messages of given lengths
  std::vector<AirLink> links;
  std::vector<Row> rows;
};

/// @returns the table; kInvalidArgument as air_cost().
Result<AirTable> air_table(const Experiment& experiment, std::vector<AirLink> links);
/// The same of messages of so many bytes. @returns as the other one.
Result<AirTable> air_table(const std::vector<std::uint32_t>& bytes, std::vector<AirLink> links);

/// For people.
std::string to_text(const AirTable& table);
/// For programs (docs/experiment-output.md, airtime.csv): a line for each message and link.
std::string to_csv(const AirTable& table);
/// The same as JSON.
std::string to_json(const AirTable& table);

}  // namespace skink::simulations
