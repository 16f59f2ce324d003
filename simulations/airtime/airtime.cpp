#include "skink/simulations/airtime.hpp"

#include <algorithm>
#include <utility>

#include "skink/host/experiment/device_memory.hpp"

namespace skink::simulations {
namespace {

constexpr std::uint64_t kNanosecondsPerSecond = 1'000'000'000;

// IEEE 802.15.4 at 2.4 GHz, and RFC 4944.
constexpr std::uint64_t k802154BitsPerSecond = 250'000;
constexpr std::uint32_t k802154FrameBytes = 127;  // of the physical payload
constexpr std::uint32_t k802154PhyBytes = 6;      // preamble, delimiter, length
constexpr std::uint32_t k802154MacBytes = 11;     // control, number, one PAN, two short addresses, check sum
constexpr std::uint32_t kDispatchBytes = 1;
constexpr std::uint32_t kFirstFragmentBytes = 4;  // 5.3: before the dispatch byte
constexpr std::uint32_t kNextFragmentBytes = 5;
constexpr std::uint32_t kFragmentUnit = 8;  // of all fragments but the last

AirTime time_of(std::uint64_t bytes, std::uint64_t bits_per_second) {
  const std::uint64_t bits = 8 * bytes;
  return AirTime(bits / bits_per_second * kNanosecondsPerSecond +
                 bits % bits_per_second * kNanosecondsPerSecond / bits_per_second);
}

void add_lora(const AirLink& link, std::uint32_t bytes, AirCost& cost) {
  const LoraModulation modulation = lorawan_modulation(link.data_rate);
  const std::uint32_t room = lorawan_payload_bytes(link.data_rate) - link.piece_header_bytes;
  const std::uint32_t added = kLorawanMacBytes + link.piece_header_bytes;
  const std::uint32_t whole = bytes / room;
  const std::uint32_t rest = bytes % room;
  cost.frames += whole;
  cost.air += whole * lora_time_on_air(modulation, added + room);
  if (rest == 0 && whole > 0) return;
  ++cost.frames;
  cost.air += lora_time_on_air(modulation, added + rest);
}

void add_802154_frame(std::uint32_t bytes, AirCost& cost) {
  ++cost.frames;
  cost.air += time_of(k802154PhyBytes + k802154MacBytes + bytes, k802154BitsPerSecond);
}

void add_packet_of_6lowpan(std::uint32_t bytes, AirCost& cost) {
  constexpr std::uint32_t kRoom = k802154FrameBytes - k802154MacBytes;
  if (kDispatchBytes + bytes <= kRoom) {
    add_802154_frame(kDispatchBytes + bytes, cost);
    return;
  }
  constexpr std::uint32_t kFirst = (kRoom - kFirstFragmentBytes - kDispatchBytes) / kFragmentUnit * kFragmentUnit;
  constexpr std::uint32_t kLast = kRoom - kNextFragmentBytes;
  constexpr std::uint32_t kNext = kLast / kFragmentUnit * kFragmentUnit;
  add_802154_frame(kFirstFragmentBytes + kDispatchBytes + kFirst, cost);
  std::uint32_t left = bytes - kFirst;
  for (; left > kLast; left -= kNext) add_802154_frame(kNextFragmentBytes + kNext, cost);
  add_802154_frame(kNextFragmentBytes + left, cost);
}

void add_802154(const AirLink& link, std::uint32_t bytes, AirCost& cost) {
  const std::uint32_t room = link.mtu - link.packet_header_bytes;
  for (std::uint32_t done = 0; done < bytes; done += room) {
    add_packet_of_6lowpan(link.packet_header_bytes + std::min(room, bytes - done), cost);
    if (bytes - done <= room) return;
  }
}

void add_mqtt(const AirLink& link, AirMessage::Way way, const Fetch::Message& part, AirCost& cost) {
  LinkProfile profile = LinkProfile::microcontroller();
  profile.mtu = link.mtu;
  profile.header_bytes = link.packet_header_bytes;
  const WireCost wire = way == AirMessage::Way::kUp ? publish_up(part.topic_bytes, part.payload_bytes, profile)
                                                    : publish_down(part.topic_bytes, part.payload_bytes, profile);
  const std::uint64_t bytes = wire.total().up + wire.total().down;
  cost.bytes += bytes;
  cost.frames += (wire.tcp_ip.up + wire.tcp_ip.down) / link.packet_header_bytes;
  cost.air += time_of(bytes, link.bits_per_second);
}

/// What is wrong with the link; empty: nothing.
std::string fault_of(const AirLink& link) {
  constexpr std::uint32_t kLeastRoom = 8;
  if (!(link.duty_cycle > 0 && link.duty_cycle <= 1)) return "a duty cycle is above 0 and at most 1";
  switch (link.kind) {
    case AirKind::kLora:
      if (link.data_rate >= kLorawanDataRates) return "EU868 is counted with data rates 0 to 5";
      if (link.piece_header_bytes + kLeastRoom > lorawan_payload_bytes(link.data_rate)) {
        return "a header of " + std::to_string(link.piece_header_bytes) + " bytes leaves no room in a frame of " +
               std::to_string(lorawan_payload_bytes(link.data_rate)) + " bytes (" + link.name + ")";
      }
      return {};
    case AirKind::kRate:
    case AirKind::kPlain:
      if (link.bits_per_second == 0) return "a link has at least one bit a second";
      if (link.kind == AirKind::kPlain) return {};
      break;
    case AirKind::k802154: break;
  }
  if (link.packet_header_bytes == 0 || link.packet_header_bytes + kLeastRoom > link.mtu) {
    return "headers of " + std::to_string(link.packet_header_bytes) + " bytes leave no room in packets of " +
           std::to_string(link.mtu);
  }
  return {};
}

AirTable::Row row_of(const AirMessage& message) {
  AirTable::Row row;
  row.name = message.name;
  row.way = message.way;
  row.messages = message.parts.size();
  for (const Fetch::Message& part : message.parts) row.bytes += part.payload_bytes;
  return row;
}

Result<void> add_row(AirTable& table, const AirMessage& message) {
  AirTable::Row row = row_of(message);
  for (const AirLink& link : table.links) {
    const auto cost = air_cost(link, message);
    if (!cost) return cost.error();
    row.costs.push_back(*cost);
  }
  table.rows.push_back(std::move(row));
  return {};
}

/// The sum of the rows whose names are in `names`.
void add_sum(AirTable& table, const char* name, const std::vector<std::string>& names) {
  AirTable::Row sum;
  sum.name = name;
  sum.way = AirMessage::Way::kBoth;
  sum.costs.resize(table.links.size());
  for (const AirTable::Row& row : table.rows) {
    if (std::find(names.begin(), names.end(), row.name) == names.end()) continue;
    sum.messages += row.messages;
    sum.bytes += row.bytes;
    for (std::size_t l = 0; l < sum.costs.size(); ++l) sum.costs[l] += row.costs[l];
  }
  table.rows.push_back(std::move(sum));
}

}  // namespace

AirCost& AirCost::operator+=(const AirCost& other) {
  bytes += other.bytes;
  frames += other.frames;
  air += other.air;
  return *this;
}

double AirCost::seconds_with_silence(double duty_cycle) const {
  return std::chrono::duration<double>(air).count() / duty_cycle;
}

Result<AirCost> air_cost(const AirLink& link, const AirMessage& message) {
  const std::string fault = fault_of(link);
  if (!fault.empty()) return make_error(Status::kInvalidArgument, fault);
  AirCost cost;
  for (const Fetch::Message& part : message.parts) {
    if (link.kind == AirKind::kRate) {
      add_mqtt(link, message.way, part, cost);
      continue;
    }
    cost.bytes += part.payload_bytes;
    if (link.kind == AirKind::kLora) add_lora(link, part.payload_bytes, cost);
    if (link.kind == AirKind::k802154) add_802154(link, part.payload_bytes, cost);
    if (link.kind == AirKind::kPlain) cost.air += time_of(part.payload_bytes, link.bits_per_second);
  }
  return cost;
}

std::vector<AirMessage> air_messages(const Experiment& experiment) {
  using Way = AirMessage::Way;
  const DeviceMemory memory = device_memory(experiment);
  DeviceRound round = device_round_of(experiment);
  const Fetch model = round.fetches.front();
  round.patch_bytes = static_cast<std::uint32_t>(memory.patch);
  const RoundMessages said = round_messages(round);
  std::vector<AirMessage> messages{
      {"birth", Way::kUp, {said.birth}}, {"task", Way::kDown, {said.task}}, {"model", Way::kDown, model.messages}};
  if (!said.patch.empty()) messages.push_back({"patch", Way::kDown, said.patch});
  messages.push_back({"update", Way::kUp, said.update});
  messages.push_back({"reply", Way::kDown, {said.reply}});
  return messages;
}

Result<AirTable> air_table(const Experiment& experiment, std::vector<AirLink> links) {
  AirTable table{experiment.name, std::move(links), {}};
  for (const AirMessage& message : air_messages(experiment)) {
    const auto added = add_row(table, message);
    if (!added) return added.error();
  }
  const bool is_patched = device_memory(experiment).patch != 0;
  add_sum(table, "round, model fetched", {"task", "model", "update", "reply"});
  add_sum(table, is_patched ? "round, model patched" : "round, model kept", {"task", "patch", "update", "reply"});
  return table;
}

Result<AirTable> air_table(const std::vector<std::uint32_t>& bytes, std::vector<AirLink> links) {
  AirTable table{{}, std::move(links), {}};
  for (const std::uint32_t count : bytes) {
    const auto added =
        add_row(table, {std::to_string(count) + " bytes", AirMessage::Way::kUp, {Fetch::Message{0, count}}});
    if (!added) return added.error();
  }
  return table;
}

}  // namespace skink::simulations
