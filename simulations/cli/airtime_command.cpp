#include <fmt/format.h>

#include <cstdio>
#include <limits>

#include "skink/host/files/files.hpp"
#include "terminal.hpp"

namespace skink::simulations::cli {
namespace {

constexpr double kLoraDutyCycle = 0.01;
constexpr std::uint32_t kMostBytes = 1U << 26U;
constexpr std::uint32_t kUdpBytes = 48;  // IPv6 and UDP
constexpr std::uint32_t kTcpBytes = 40;  // IPv4 and TCP

/// What is wrong with the options together; empty: nothing.
std::string fault_of(const AirtimeArguments& arguments) {
  const bool is_lora = arguments.link == AirKind::kLora;
  const bool is_rate = arguments.link == AirKind::kRate;
  if (arguments.experiment.file.empty() == arguments.bytes.empty()) return "name an experiment, or --bytes";
  if (arguments.experiment.file.empty() && !arguments.experiment.settings.empty()) return "--set needs an experiment";
  if (!is_lora && (!arguments.data_rates.empty() || arguments.header != 0)) {
    return "--data-rate and --header are of --link lora";
  }
  if (is_rate != (arguments.bits_per_second != 0)) return "--link rate and --bits-per-second belong together";
  return {};
}

std::vector<AirLink> lora_links(const AirtimeArguments& arguments) {
  std::vector<std::uint32_t> rates = arguments.data_rates;
  for (std::uint32_t rate = 0; rate < kLorawanDataRates && arguments.data_rates.empty(); ++rate) rates.push_back(rate);
  std::vector<AirLink> links;
  for (const std::uint32_t rate : rates) {
    AirLink link;
    link.name = fmt::format("DR{}", rate);
    link.data_rate = rate;
    link.piece_header_bytes = arguments.header;
    links.push_back(link);
  }
  return links;
}

std::vector<AirLink> links_of(const AirtimeArguments& arguments) {
  std::vector<AirLink> links;
  if (arguments.link == AirKind::kLora) {
    links = lora_links(arguments);
  } else {
    AirLink link;
    link.kind = arguments.link;
    link.mtu = arguments.mtu;
    if (arguments.link == AirKind::k802154) {
      link.name = "802.15.4";
      link.packet_header_bytes = kUdpBytes;
    } else {
      if (!arguments.bytes.empty()) link.kind = AirKind::kPlain;
      link.name = fmt::format("{} bit/s", arguments.bits_per_second);
      link.bits_per_second = arguments.bits_per_second;
      link.packet_header_bytes = kTcpBytes;
    }
    links.push_back(link);
  }
  const double usual = arguments.link == AirKind::kLora ? kLoraDutyCycle : 1;
  for (AirLink& link : links) link.duty_cycle = arguments.duty_cycle > 0 ? arguments.duty_cycle : usual;
  return links;
}

Result<void> write(const std::string& path, const std::string& content) {
  return path.empty() ? Result<void>() : write_file(path, content);
}

}  // namespace

void add_airtime(Command& command, AirtimeArguments& arguments) {
  command.option("experiment", arguments.experiment.file, "Experiment file (docs/experiment.md)");
  command
      .option("--set", arguments.experiment.settings,
              "Replaces one key of the file: --set codec.uplink=topk:0.01+ternary+ef")
      .takes_one();
  command.option("--bytes", arguments.bytes, "Messages of so many bytes, in place of an experiment's")
      .takes_one()
      .range(1U, kMostBytes);
  const std::vector<std::pair<const char*, AirKind>> kinds{
      {"lora", AirKind::kLora}, {"802.15.4", AirKind::k802154}, {"rate", AirKind::kRate}};
  command.choice("--link", arguments.link, kinds,
                 "lora (default): LoRaWAN, EU868; 802.15.4: UDP in 6LoWPAN fragments; rate: MQTT, TLS and TCP/IP");
  command.option("--data-rate", arguments.data_rates, "Of LoRaWAN, EU868 (default: all six)")
      .takes_one()
      .range(0U, kLorawanDataRates - 1);
  command.option("--header", arguments.header, "Bytes of each LoRa frame that say which piece it is (default 0)")
      .range(0U, 100U);
  command.option("--bits-per-second", arguments.bits_per_second, "Of --link rate")
      .range(1U, std::numeric_limits<std::uint32_t>::max());
  command.option("--mtu", arguments.mtu, "Largest IP packet, bytes").range(128U, 65535U).shows_default();
  command
      .option("--duty-cycle", arguments.duty_cycle,
              "Share of the time in which a sender may send (default: 0.01 with lora, else 1)")
      .range(0.00001, 1.0);
  command.option("--json", arguments.json, "Also writes the figures to this file (docs/experiment-output.md)");
  command.option("--csv", arguments.csv, "The same as CSV");
}

int airtime(const AirtimeArguments& arguments) {
  const std::string fault = fault_of(arguments);
  if (!fault.empty()) return fail(ExitCode::kUsage, fault);
  Result<AirTable> table = make_error(Status::kInvalidArgument, "");
  if (arguments.bytes.empty()) {
    Experiment experiment;
    const int code = read(arguments.experiment, experiment);
    if (code != kOk) return code;
    table = air_table(experiment, links_of(arguments));
  } else {
    table = air_table(arguments.bytes, links_of(arguments));
  }
  if (!table) return fail(ExitCode::kUsage, table.error().message);
  std::printf("%s", to_text(*table).c_str());
  for (const auto& [path, content] :
       {std::pair(arguments.json, to_json(*table)), std::pair(arguments.csv, to_csv(*table))}) {
    const auto written = write(path, content);
    if (!written) return fail(ExitCode::kStore, written.error().message);
  }
  return kOk;
}

}  // namespace skink::simulations::cli
