#include "api_json.hpp"

#include <fmt/format.h>

#include <charconv>

#include "skink/coordinator/http/problem.hpp"
#include "skink/host/program/time_of_day.hpp"

namespace skink::coordinator::api {
namespace {

constexpr std::uint32_t kDefaultLimit = 50;
constexpr std::uint32_t kMostLimit = 500;
constexpr std::size_t kMostKey = 128;
constexpr const char* kNotWithLast[] = {"after", "limit", "level", "event", "device"};

/// Empty is null.
boost::json::value text_or_null(const std::string& text) {
  return text.empty() ? boost::json::value() : boost::json::value(text);
}

/// 0 is null.
boost::json::value number_or_null(std::uint32_t number) {
  return number == 0 ? boost::json::value() : boost::json::value(number);
}

boost::json::value real_or_null(const std::optional<double>& number) {
  return number ? boost::json::value(*number) : boost::json::value();
}

/// skink.proto, ReleaseUse.
const char* release_use_text(std::uint32_t use) {
  constexpr const char* kTexts[] = {"unknown", "released", "adapted", "worse", "diverged", "not judged"};
  return use < std::size(kTexts) ? kTexts[use] : "unknown";
}

/// "5 0 4" as an array.
boost::json::array counts_json(std::string_view text) {
  boost::json::array counts;
  std::uint32_t count = 0;
  for (std::size_t at = 0; at < text.size(); ++at) {
    const bool is_digit = text[at] >= '0' && text[at] <= '9';
    if (is_digit) count = 10 * count + static_cast<std::uint32_t>(text[at] - '0');
    if (is_digit && at + 1 < text.size() && text[at + 1] != ' ') continue;
    if (is_digit) counts.emplace_back(std::exchange(count, 0));
  }
  return counts;
}

boost::json::object to_json(const Selection& selection) {
  return {{"group", text_or_null(selection.group)},
          {"label", text_or_null(selection.label)},
          {"firmware", text_or_null(selection.firmware)}};
}

boost::json::array to_json(const std::vector<Override>& overrides) {
  boost::json::array array;
  for (const Override& one : overrides) array.push_back({{"key", one.key}, {"value", one.value}});
  return array;
}

/// The first 8 bytes of a hash, as the hash's own text begins.
boost::json::value prefix_json(std::uint64_t prefix) {
  std::string text;
  for (unsigned shift = 0; shift < 64; shift += 8) text += fmt::format("{:02x}", prefix >> shift & 0xffU);
  return boost::json::value(text);
}

boost::json::value gate_json(const RunOrder& order) {
  if (order.release != ReleasePolicy::kGated) return nullptr;
  return {{"group", order.gate_group},
          {"least_gain", order.gate.least_gain},
          {"least_devices", order.gate.least_devices},
          {"wait_s", order.gate.wait_s}};
}

template <class Number>
bool parse(std::string_view text, Number& number) {
  const auto parsed = std::from_chars(text.data(), text.data() + text.size(), number);
  return parsed.ec == std::errc() && parsed.ptr == text.data() + text.size();
}

}  // namespace

boost::json::object to_json(const RunRow& run) {
  return {{"number", run.number},
          {"run", std::to_string(run.run)},
          {"experiment", run.order.name},
          {"phase", run_phase_text(run.phase)},
          {"reason", text_or_null(run.reason)},
          {"rounds", run.rounds},
          {"rounds_done", run.rounds_done},
          {"init_model", number_or_null(run.order.init_model)},
          {"selection", to_json(run.order.selection)},
          {"wait_s", run.order.wait_s},
          {"kind", run.order.kind == RunKind::kEvaluate ? "evaluate" : "learn"},
          {"trial", number_or_null(run.trial)},
          {"release", release_policy_text(run.order.release)},
          {"gate", gate_json(run.order)},
          {"checkpoint_rounds", number_or_null(run.order.checkpoint_rounds)},
          {"overrides", to_json(run.order.overrides)},
          {"queued", text_or_null(run.queued)},
          {"begun", text_or_null(run.begun)},
          {"ended", text_or_null(run.ended)}};
}

boost::json::object to_json(const ModelRow& model) {
  boost::system::error_code code;
  boost::json::value figures = boost::json::parse(model.figures, code);
  return {{"number", model.number},
          {"sha256", model.sha256},
          {"parent", text_or_null(model.parent)},
          {"run", model.run == 0 ? boost::json::value() : boost::json::value(model.run)},
          {"rounds", model.rounds},
          {"experiment", model.experiment},
          {"figures", code ? boost::json::value() : figures},
          {"created", model.created},
          {"bytes", model.bytes}};
}

boost::json::object to_json(const FleetDevice& device, bool is_revoked) {
  boost::system::error_code code;
  boost::json::value labels = boost::json::parse(device.labels, code);
  const DeviceRow& row = device.row;
  boost::json::object object{
      {"id", row.id},
      {"online", row.online},
      {"last_seen", text_or_null(row.last_seen)},
      {"first_seen", text_or_null(device.first_seen)},
      {"firmware", http::printable_utf8(row.firmware)},
      {"arena_bytes", row.arena_bytes},
      {"battery_percent", row.battery_percent},
      {"reset_reason", row.reset_reason},
      {"free_bytes", row.free_bytes},
      {"stack_used_bytes", row.stack_used_bytes},
      {"group", text_or_null(device.group)},
      {"labels", code ? boost::json::value(boost::json::object()) : labels},
      {"note", device.note},
      {"excluded", device.excluded},
      {"revoked", is_revoked},
      {"takes_releases", row.takes_releases},
      {"release", number_or_null(row.release)},
      {"release_model", row.release == 0 ? boost::json::value() : prefix_json(row.release_model)},
      {"release_use", release_use_text(row.release_use)},
      {"release_refused", nullptr},
      {"samples", row.samples == 0 ? boost::json::value() : boost::json::value(row.samples - 1)},
      {"class_samples", counts_json(row.class_samples)},
      {"updates", device.conduct.updates},
      {"misses", device.conduct.misses},
      {"clipped", device.conduct.clipped},
      {"length", real_or_null(device.conduct.length)},
      {"gain", real_or_null(device.conduct.gain)}};
  if (row.battery_percent > 100) object["battery_percent"] = nullptr;  // mains, or not known
  if (row.release_refused != 0) {
    object["release_refused"] = {{"number", row.release_refused},
                                 {"reason", wire::refusal_text(static_cast<wire::Refusal>(row.release_reason))}};
  }
  return object;
}

boost::json::object to_json(const RoundParticipants& round) {
  const auto time = [](std::uint64_t ms) {
    return ms == ParticipantTiming::kNever ? boost::json::value() : boost::json::value(ms);
  };
  boost::json::array participants;
  for (const RoundParticipant& one : round.participants) {
    const ParticipantTiming& timing = one.timing;
    participants.push_back(
        {{"slot", timing.slot},
         {"attempt", timing.attempt},
         {"device", one.device},
         {"asked_ms", time(timing.asked_ms)},
         {"answered_ms", time(timing.heard_ms)},
         {"finished_ms", time(timing.ended_ms)},
         {"outcome", participation_text(timing.outcome)},
         {"reason", timing.reason == wire::Refusal::kNone ? boost::json::value()
                                                          : boost::json::value(wire::refusal_text(timing.reason))}});
  }
  return {{"run", round.run},
          {"round", round.round},
          {"is_open", round.is_open},
          {"is_complete", round.is_complete},
          {"elapsed_ms", round.elapsed_ms},
          {"participants", participants}};
}

boost::json::object to_json(const EventRow& event) {
  return {{"id", event.id},
          {"at", event.at},
          {"level", event.level},
          {"event", event.event},
          {"run", event.run == 0 ? boost::json::value() : boost::json::value(event.run)},
          {"device", text_or_null(event.device)},
          {"text", http::printable_lines(event.text)}};
}

boost::json::object to_json(const AuditRow& row) {
  return {{"id", row.id},         {"at", row.at},           {"who", row.who},
          {"action", row.action}, {"subject", row.subject}, {"detail", row.detail}};
}

boost::json::object to_json(const rounds::RoundRecord& round) {
  return {{"round", round.round},
          {"updates", round.updates},
          {"diverged", round.diverged},
          {"refused", round.refused},
          {"replaced", round.replaced},
          {"total_weight", round.total_weight},
          {"meta_learning_rate", round.meta_learning_rate},
          {"duration_ms", round.duration_ms},
          {"model_sha256", round.model_sha256},
          {"uplink_bytes", round.traffic.uplink_bytes},
          {"downlink_bytes", round.traffic.downlink_bytes},
          {"device_rounds", round.traffic.device_rounds}};
}

boost::json::object to_json(const ReleaseRow& release) {
  return {{"number", release.number},
          {"model", release.model},
          {"model_sha256", release.sha256},
          {"group", text_or_null(release.group)},
          {"created", release.created}};
}

boost::json::object to_json(const TrialRow& trial) {
  boost::system::error_code code;
  boost::json::value gains = boost::json::parse(trial.gains, code);
  return {{"number", trial.number},
          {"model", trial.model},
          {"old_model", number_or_null(trial.old_model)},
          {"group", trial.group},
          {"least_gain", trial.gate.least_gain},
          {"least_devices", trial.gate.least_devices},
          {"wait_s", trial.gate.wait_s},
          {"old_run", number_or_null(trial.old_run)},
          {"new_run", trial.new_run},
          {"phase", trial_phase_text(trial.phase)},
          {"reason", text_or_null(trial.reason)},
          {"gains", code ? boost::json::value(boost::json::object()) : gains},
          {"release", number_or_null(trial.release)},
          {"created", trial.created},
          {"decided", text_or_null(trial.decided)}};
}

boost::json::object to_json(const ScheduleRow& schedule) {
  const RunOrder& order = schedule.order;
  return {
      {"number", schedule.number},
      {"name", schedule.name},
      {"experiment", order.name},
      {"overrides", to_json(order.overrides)},
      {"init_model", number_or_null(order.init_model)},
      {"from_latest", schedule.from_latest},
      {"selection", to_json(order.selection)},
      {"wait_s", order.wait_s},
      {"release", release_policy_text(order.release)},
      {"gate", gate_json(order)},
      {"checkpoint_rounds", number_or_null(order.checkpoint_rounds)},
      {"every_s", number_or_null(schedule.every_s)},
      {"devices_worse", number_or_null(schedule.devices_worse)},
      {"new_devices", number_or_null(schedule.new_devices)},
      {"enabled", schedule.enabled},
      {"runs", schedule.runs},
      {"last_run", number_or_null(schedule.last_run)},
      {"next", schedule.next_unix_s == 0 ? boost::json::value() : boost::json::value(utc_text(schedule.next_unix_s))},
      {"created", schedule.created}};
}

boost::json::object to_json(const TokenRow& token) {
  return {{"id", token.id}, {"name", token.name}, {"scope", token.scope}, {"created", token.created}};
}

boost::json::object to_json(const ServiceState& state) {
  return {{"phase", service_phase_text(state.phase)},
          {"reason", text_or_null(http::printable_lines(state.reason))},
          {"broker_connected", state.connected},
          {"devices_online", state.devices_online},
          {"devices_unconfirmed", state.devices_unconfirmed},
          {"run", state.run == 0 ? boost::json::value()
                                 : boost::json::value(boost::json::object{{"number", state.run},
                                                                          {"phase", state.run_phase},
                                                                          {"rounds", state.rounds},
                                                                          {"rounds_done", state.rounds_done},
                                                                          {"since_round_ms", state.since_round_ms}})}};
}

Result<std::uint32_t> limit_of(const http::Request& request) {
  const std::string* text = request.query_parameter("limit");
  if (text == nullptr) return kDefaultLimit;
  std::uint32_t limit = 0;
  if (parse(*text, limit) && limit >= 1 && limit <= kMostLimit) return limit;
  return make_error(Status::kInvalidArgument, "'limit': a number from 1 to 500 expected");
}

Result<std::uint64_t> after_of(const http::Request& request) {
  const std::string* text = request.query_parameter("after");
  if (text == nullptr) return std::uint64_t{0};
  std::uint64_t after = 0;
  if (parse(*text, after) && after <= 0x7fffffffffffffffULL) return after;
  return make_error(Status::kInvalidArgument, "'after': a number expected, as 'next' of the page before gives it");
}

Result<Page> page_or_last_of(const http::Request& request, std::uint64_t highest) {
  const std::string* text = request.query_parameter("last");
  if (text == nullptr) {
    const auto after = after_of(request);
    const auto limit = limit_of(request);
    if (!after || !limit) return after ? limit.error() : after.error();
    return Page{*after, *limit};
  }
  std::uint32_t last = 0;
  const bool is_alone = std::none_of(std::begin(kNotWithLast), std::end(kNotWithLast),
                                     [&request](const char* name) { return request.query_parameter(name) != nullptr; });
  if (!is_alone || !parse(*text, last) || last < 1 || last > kMostLimit) {
    return make_error(Status::kInvalidArgument,
                      "'last': a number from 1 to 500 expected, without 'after', 'limit' and what selects items");
  }
  return Page{highest > last ? highest - last : 0, last};
}

Result<std::string> idempotency_key_of(const http::Request& request) {
  if (request.idempotency_key.size() <= kMostKey) return request.idempotency_key;
  return make_error(Status::kInvalidArgument, "Idempotency-Key: at most 128 bytes");
}

http::Response created(const std::string& path, std::uint32_t number, const boost::json::object& made) {
  http::Response response = http::json_response(boost::json::serialize(made), 201);
  response.headers.emplace_back("Location", path + "/" + std::to_string(number));
  return response;
}

void count_rounds(const std::string& state_folder, RunRow& run) {
  if (run.run == 0 || is_over(run.phase)) return;
  const auto store = Store::open_to_read(state_folder + "/runs/" + std::to_string(run.number) + "/store.db");
  const auto latest = store ? store->latest_model() : Result<StoredModel>(store.error());
  if (latest) run.rounds_done = std::max(run.rounds_done, latest->rounds);
}

std::uint32_t number_of(const http::Request& request) {
  std::uint32_t number = 0;
  return parse(request.parameter("number"), number) ? number : 0;
}

http::Response bad_parameter(const Error& error) { return http::problem(400, "invalid-parameter", error.message); }
http::Response store_failed(const Error& error) { return http::problem(503, "store-failed", error.message); }
http::Response not_found(const std::string& what) { return http::problem(404, "not-found", "there is no " + what); }

http::Response refused(const Error& error, http::Response otherwise) {
  if (error.code != make_error_code(Status::kInvalidArgument)) return store_failed(error);
  return error.cause == Cause::kUsage ? http::problem(404, "not-found", error.message) : std::move(otherwise);
}

}  // namespace skink::coordinator::api
