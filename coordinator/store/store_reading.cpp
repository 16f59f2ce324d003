/// @file
/// What a store holds, read and checked: a file may be damaged, or edited by hand.

#include <algorithm>
#include <charconv>
#include <cstring>
#include <limits>

#include "database.hpp"
#include "evaluation_row.hpp"
#include "format.hpp"
#include "override_text.hpp"
#include "skink/common/wire/topics.hpp"
#include "skink/coordinator/store/store.hpp"
#include "skink/host/files/float_bytes.hpp"
#include "statement.hpp"

namespace skink::coordinator {
namespace {

using internal::decode_overrides;
using internal::kFormat;
using internal::kFormat3;
using internal::read_sums;
using internal::read_traffic;
using internal::Statement;

bool is_event_kind(std::uint32_t number) {
  return number >= static_cast<std::uint32_t>(EventKind::kReplaced) &&
         number <= static_cast<std::uint32_t>(EventKind::kSamples);
}

}  // namespace

Error Store::damage(const std::string& what) const { return database_->damage(what); }

Result<void> Store::check(const Statement& statement, const char* what) const {
  if (!statement.ok()) return failure(std::string("the ") + what + " cannot be read");
  if (!statement.in_range()) return damage(std::string("a number of the ") + what + " is out of range");
  return {};
}

Result<RunSnapshot> Store::load() const {
  const auto begun = execute("BEGIN");  // else a coordinator may commit between two of the tables
  if (!begun) return begun.error();
  auto snapshot = read_snapshot();
  const auto ended = execute("COMMIT");
  if (snapshot && !ended) return ended.error();
  return snapshot;
}

Result<RunSnapshot> Store::read_snapshot() const {
  RunSnapshot snapshot;
  auto done = read_meta(snapshot);
  if (done) done = read_roster(snapshot);
  if (done) done = read_models(snapshot);
  if (done) done = read_strategy(snapshot);
  if (done) done = read_events(snapshot);
  if (done) done = read_evaluations(snapshot);
  if (!done) return done.error();
  return snapshot;
}

Result<void> Store::read_meta(RunSnapshot& snapshot) const {
  const auto run = meta("run");
  const auto experiment = meta("experiment");
  const auto overrides = meta("overrides");
  const auto finished = meta("finished");
  if (!run || !experiment || !overrides || !finished) return failure("cannot be read");
  if (run->empty()) return make_error(Status::kUnavailable, database_->path() + ": there is no run in this store yet");
  const char* const end = run->data() + run->size();
  const auto parsed = std::from_chars(run->data(), end, snapshot.run);
  if (parsed.ec != std::errc() || parsed.ptr != end) return damage("its run '" + *run + "' is not a number");
  if (!decode_overrides(*overrides, snapshot.overrides)) return damage("its overrides are not a list");
  snapshot.experiment_text = *experiment;
  snapshot.finished = *finished == "1";
  return {};
}

Result<void> Store::read_roster(RunSnapshot& snapshot) const {
  Statement roster(handle(), "SELECT device_index, id FROM roster ORDER BY device_index");
  while (roster.next()) {
    const std::string id = roster.text(1);
    const bool is_next = roster.count(0) == snapshot.roster.size() && wire::is_valid_id({id.data(), id.size()}) &&
                         (snapshot.roster.empty() || snapshot.roster.back() < id);
    if (!is_next) return damage("its roster is not a sorted list of device ids");
    snapshot.roster.push_back(id);
  }
  return check(roster, "roster");
}

Result<void> Store::read_models(RunSnapshot& snapshot) const {
  Statement model(handle(), "SELECT rounds, file FROM models WHERE rounds <> 0 ORDER BY rounds DESC LIMIT 1");
  if (model.next()) {
    snapshot.rounds_done = model.count(0);
    snapshot.model = model.blob(1);
  }
  Statement initial(handle(), "SELECT file FROM models WHERE rounds = 0");
  if (initial.next()) snapshot.initial_model = initial.blob(0);
  auto patches = this->patches();
  if (!patches) return patches.error();
  snapshot.patches = std::move(*patches);
  Statement downlink(handle(), "SELECT residual FROM downlink ORDER BY rounds DESC LIMIT 1");
  if (downlink.next()) snapshot.downlink_residual = floats_of(downlink.blob(0));
  Statement traffic(handle(),
                    "SELECT uplink_bytes, downlink_bytes, device_rounds FROM rounds UNION ALL "
                    "SELECT uplink_bytes, downlink_bytes, device_rounds FROM evaluations "
                    "ORDER BY downlink_bytes DESC LIMIT 1");
  if (traffic.next()) snapshot.traffic = read_traffic(traffic, 0);
  auto done = check(model, "models");
  if (done) done = check(initial, "models");
  if (done) done = check(downlink, "residual");
  if (done) done = check(traffic, "rounds");
  return done;
}

Result<std::vector<rounds::Patch>> Store::patches() const {
  Statement rows(handle(), "SELECT round, base, bytes FROM patches ORDER BY round");
  std::vector<rounds::Patch> patches;
  while (rows.next()) {
    rounds::Patch patch;
    patch.round = rows.count(0);
    const std::vector<std::uint8_t> base = rows.blob(1);
    if (base.size() != crypto::kDigestBytes) return damage("the base of a patch is not a digest");
    std::memcpy(patch.base.bytes, base.data(), base.size());
    patch.bytes = rows.blob(2);
    patches.push_back(std::move(patch));
  }
  const auto done = check(rows, "patches");
  if (!done) return done.error();
  return patches;
}

Result<std::vector<std::uint32_t>> Store::kept_models() const {
  Statement model(handle(), "SELECT rounds FROM models WHERE rounds <> 0 ORDER BY rounds");
  std::vector<std::uint32_t> kept;
  while (model.next()) kept.push_back(model.count(0));
  const auto done = check(model, "models");
  if (!done) return done.error();
  return kept;
}

Result<std::vector<std::uint8_t>> Store::model_after(std::uint32_t rounds) const {
  Statement model(handle(), "SELECT file FROM models WHERE rounds = ? AND rounds <> 0");
  model.bind(rounds);
  std::vector<std::uint8_t> file;
  if (model.next()) file = model.blob(0);
  const auto done = check(model, "models");
  if (!done) return done.error();
  return file;
}

Result<void> Store::read_strategy(RunSnapshot& snapshot) const {
  const auto format = meta("format");
  if (!format) return format.error();
  if (*format != kFormat) return {};  // an older one has no such table, and its strategies kept nothing
  Statement state(handle(), "SELECT state FROM strategy WHERE rounds = ?");
  state.bind(snapshot.rounds_done);
  if (state.next()) snapshot.strategy_state = state.blob(0);
  return check(state, "strategy");
}

Result<void> Store::read_events(RunSnapshot& snapshot) const {
  const auto format = meta("format");
  if (!format) return format.error();
  const bool has_samples = *format != kFormat3;
  Statement events(handle(), has_samples ? "SELECT round, kind, slot, device_index, attempt, reason, detail, "
                                           "support_samples FROM events ORDER BY sequence"
                                         : "SELECT round, kind, slot, device_index, attempt, reason, detail, "
                                           "0 FROM events ORDER BY sequence");
  while (events.next()) {
    const std::uint32_t kind = events.count(1);
    const std::uint32_t reason = events.count(5);
    TranscriptEvent event{events.count(0), static_cast<EventKind>(kind),       events.count(2), events.count(3),
                          events.count(4), static_cast<wire::Refusal>(reason), events.text(6),  events.count(7)};
    const bool is_known = is_event_kind(kind) && reason < wire::kRefusalCount;
    const bool is_in_order = snapshot.transcript.empty() || snapshot.transcript.back().round <= event.round;
    const bool has_device = event.kind != EventKind::kReplaced || event.device_index < snapshot.roster.size();
    if (!is_known || !is_in_order || !has_device) return damage("its transcript has an event that cannot be");
    snapshot.transcript.push_back(std::move(event));
  }
  return check(events, "transcript");
}

Result<void> Store::read_evaluations(RunSnapshot& snapshot) const {
  Statement evaluations(handle(),
                        "SELECT rounds, devices, tasks, query_samples, correct_before, correct_after, loss_before, "
                        "loss_after, diverged_tasks, uplink_bytes, downlink_bytes, device_rounds FROM evaluations "
                        "ORDER BY rounds");
  while (evaluations.next()) {
    rounds::EvaluationRecord record;
    record.rounds = evaluations.count(0);
    record.devices = evaluations.count(1);
    record.total = read_sums(evaluations, 2);
    record.traffic = read_traffic(evaluations, 9);
    snapshot.evaluations.push_back(record);
  }
  auto done = check(evaluations, "evaluations");
  if (done) done = read_reports(snapshot);
  return done;
}

/// Each belongs to an evaluation and to a device of the roster. Evaluations of older stores have none.
Result<void> Store::read_reports(RunSnapshot& snapshot) const {
  const auto format = meta("format");
  if (!format) return format.error();
  if (*format != kFormat) return {};
  Statement reports(handle(),
                    "SELECT rounds, device_index, tasks, query_samples, correct_before, correct_after, loss_before, "
                    "loss_after, diverged_tasks FROM reports ORDER BY rounds, device_index");
  auto evaluation = snapshot.evaluations.begin();
  while (reports.next()) {
    const std::uint32_t rounds = reports.count(0);
    while (evaluation != snapshot.evaluations.end() && evaluation->rounds < rounds) ++evaluation;
    const rounds::DeviceReport report{reports.count(1), read_sums(reports, 2)};
    const bool has_evaluation = evaluation != snapshot.evaluations.end() && evaluation->rounds == rounds;
    if (!has_evaluation || report.device_index >= snapshot.roster.size()) {
      return damage("a report belongs to no evaluation, or to no device");
    }
    evaluation->reports.push_back(report);
  }
  return check(reports, "reports");
}

Result<std::vector<rounds::RoundRecord>> Store::rounds() const {
  return rounds(0, std::numeric_limits<std::uint32_t>::max());
}

Result<std::vector<rounds::RoundRecord>> Store::rounds(std::uint32_t first, std::uint32_t most) const {
  std::vector<rounds::RoundRecord> records;
  Statement row(
      handle(),
      "SELECT round, updates, diverged, refused, replaced, total_weight, meta_learning_rate, duration_ms, "
      "model_sha256, uplink_bytes, downlink_bytes, device_rounds FROM rounds WHERE round >= ? ORDER BY round LIMIT ?");
  row.bind(first).bind(most);
  while (row.next()) {
    records.push_back({row.count(0), row.count(1), row.count(2), row.count(3), row.count(4), row.count(5), row.real(6),
                       row.large(7), row.text(8), read_traffic(row, 9)});
  }
  const auto done = check(row, "rounds");
  if (!done) return done.error();
  return records;
}

Result<std::vector<DeviceRow>> Store::devices() const {
  std::vector<DeviceRow> rows;
  Statement row(handle(),
                "SELECT id, online, last_seen, firmware, arena_bytes, battery_percent, reset_reason, free_bytes, "
                "stack_used_bytes FROM devices ORDER BY id");
  while (row.next()) {
    DeviceRow device;
    device.id = row.text(0);
    device.online = row.integer(1) != 0;
    device.last_seen = row.text(2);
    device.firmware = row.text(3);
    device.arena_bytes = row.count(4);
    device.battery_percent = row.count(5);
    device.reset_reason = row.count(6);
    device.free_bytes = row.count(7);
    device.stack_used_bytes = row.count(8);
    rows.push_back(std::move(device));
  }
  const auto done = check(row, "devices");
  if (!done) return done.error();
  return rows;
}

Result<std::vector<RefusalRow>> Store::refusals() const {
  std::vector<RefusalRow> rows;
  Statement row(handle(), "SELECT reason, count FROM refusals ORDER BY reason");
  while (row.next()) rows.push_back({row.text(0), row.large(1)});
  const auto done = check(row, "refusals");
  if (!done) return done.error();
  return rows;
}

}  // namespace skink::coordinator
