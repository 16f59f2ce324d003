/// @file
/// Evaluations of a run, in parts: for people who look at one while it goes on.

#include "database.hpp"
#include "evaluation_row.hpp"
#include "format.hpp"
#include "skink/coordinator/store/store.hpp"
#include "statement.hpp"

namespace skink::coordinator {
namespace {

using internal::read_sums;
using internal::read_traffic;
using internal::Statement;

}  // namespace

/// Older formats have no such table.
Result<bool> Store::has_reports() const {
  const auto format = meta("format");
  if (!format) return format.error();
  return *format == internal::kFormat;
}

Result<std::vector<StoredEvaluation>> Store::evaluations(std::uint32_t first, std::uint32_t most) const {
  const auto has = has_reports();
  if (!has) return has.error();
  Statement row(handle(),
                "SELECT rounds, devices, tasks, query_samples, correct_before, correct_after, loss_before, loss_after, "
                "diverged_tasks, uplink_bytes, downlink_bytes, device_rounds FROM evaluations WHERE rounds >= ? "
                "ORDER BY rounds LIMIT ?");
  row.bind(first).bind(most);
  std::vector<StoredEvaluation> evaluations;
  std::size_t reports = 0;
  while (reports < kMostReports && row.next()) {
    StoredEvaluation one;
    one.record.rounds = row.count(0);
    one.record.devices = row.count(1);
    one.record.total = read_sums(row, 2);
    one.record.traffic = read_traffic(row, 9);
    const std::uint32_t from = evaluations.empty() ? 0 : evaluations.back().record.rounds;
    Statement time(handle(), "SELECT COALESCE(SUM(duration_ms), 0) FROM rounds WHERE round >= ? AND round < ?");
    if (time.bind(from).bind(one.record.rounds).next()) one.duration_ms = time.large(0);
    if (!evaluations.empty()) one.duration_ms += evaluations.back().duration_ms;
    auto done = check(time, "rounds");
    if (done && *has) {
      Statement report(handle(),
                       "SELECT device_index, tasks, query_samples, correct_before, correct_after, loss_before, "
                       "loss_after, diverged_tasks FROM reports WHERE rounds = ? ORDER BY device_index");
      report.bind(one.record.rounds);
      while (report.next()) one.record.reports.push_back({report.count(0), read_sums(report, 1)});
      done = check(report, "evaluations");
    }
    if (!done) return done.error();
    reports += one.record.reports.size();
    evaluations.push_back(std::move(one));
  }
  const auto done = check(row, "evaluations");
  if (!done) return done.error();
  return evaluations;
}

/// The roster is sorted by id, so the order of the indices is that of the ids.
Result<std::vector<StoredReport>> Store::reports(std::uint32_t rounds, const std::string& after,
                                                 std::uint32_t most) const {
  std::vector<StoredReport> reports;
  const auto has = has_reports();
  if (!has) return has.error();
  if (!*has) return reports;
  Statement row(handle(),
                "SELECT roster.id, tasks, query_samples, correct_before, correct_after, loss_before, loss_after, "
                "diverged_tasks FROM reports JOIN roster USING(device_index) WHERE rounds = ? AND roster.id > ? "
                "ORDER BY device_index LIMIT ?");
  row.bind(rounds).bind(std::string_view(after)).bind(most);
  while (row.next()) reports.push_back({rounds, row.text(0), read_sums(row, 1)});
  const auto done = check(row, "evaluations");
  if (!done) return done.error();
  return reports;
}

/// From the evaluations to the reports: their table has no index by device.
Result<std::vector<StoredReport>> Store::reports_of(const std::string& device, std::uint32_t first,
                                                    std::uint32_t most) const {
  std::vector<StoredReport> reports;
  const auto has = has_reports();
  if (!has) return has.error();
  if (!*has) return reports;
  Statement row(handle(),
                "SELECT e.rounds, r.tasks, r.query_samples, r.correct_before, r.correct_after, r.loss_before, "
                "r.loss_after, r.diverged_tasks FROM roster CROSS JOIN evaluations e CROSS JOIN reports r "
                "ON r.rounds = e.rounds AND r.device_index = roster.device_index "
                "WHERE roster.id = ? AND e.rounds >= ? ORDER BY e.rounds LIMIT ?");
  row.bind(std::string_view(device)).bind(first).bind(most);
  while (row.next()) reports.push_back({row.count(0), device, read_sums(row, 1)});
  const auto done = check(row, "evaluations");
  if (!done) return done.error();
  return reports;
}

Result<StoredModel> Store::latest_model() const {
  StoredModel model;
  Statement file(handle(), "SELECT rounds, length(file) FROM models ORDER BY rounds DESC LIMIT 1");
  if (file.next()) {
    model.rounds = file.count(0);
    model.bytes = file.large(1);
  }
  Statement roster(handle(), "SELECT COUNT(*) FROM roster");
  if (roster.next()) model.roster = roster.count(0);
  auto done = check(file, "models");
  if (done) done = check(roster, "roster");
  if (!done) return done.error();
  return model;
}

Result<bool> Store::has_in_roster(const std::string& device) const {
  Statement row(handle(), "SELECT 1 FROM roster WHERE id = ?");
  const bool is_there = row.bind(std::string_view(device)).next();
  const auto done = check(row, "roster");
  if (!done) return done.error();
  return is_there;
}

}  // namespace skink::coordinator
