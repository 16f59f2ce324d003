#pragma once
/// @file
/// Rows as JSON, and the parts of requests that many have. Private to the API.

#include <boost/json.hpp>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "skink/coordinator/http/http_message.hpp"
#include "skink/coordinator/http/json_fields.hpp"
#include "skink/coordinator/http/responder.hpp"
#include "skink/coordinator/service/fleet_service.hpp"
#include "skink/coordinator/store/fleet_store.hpp"

namespace skink::coordinator::api {

boost::json::object to_json(const RunRow& run);
boost::json::object to_json(const ModelRow& model);
boost::json::object to_json(const FleetDevice& device, bool is_revoked);
boost::json::object to_json(const RoundParticipants& round);
boost::json::object to_json(const EventRow& event);
boost::json::object to_json(const AuditRow& row);
boost::json::object to_json(const rounds::RoundRecord& round);
boost::json::object to_json(const ReleaseRow& release);
boost::json::object to_json(const TrialRow& trial);
boost::json::object to_json(const ScheduleRow& schedule);
boost::json::object to_json(const TokenRow& token);
boost::json::object to_json(const ServiceState& state);

/// What a run is to be, from the fields that a request has for it.
RunOrder read_order(http::JsonFields& fields);
/// "release", and the "gate" of a gated one; what the fields do not say stays.
void read_release(http::JsonFields& fields, RunOrder& order);
/// What is asked of a model that canaries try.
/// @param[in] wait_s  where the request says nothing
Gate read_gate(http::JsonFields& fields, std::uint32_t wait_s);

/// ?limit= (1..500, default 50), or what is wrong with it.
Result<std::uint32_t> limit_of(const http::Request& request);
/// ?after=, a number; default 0.
Result<std::uint64_t> after_of(const http::Request& request);
/// Which page of a list that grows at its end: ?after= and ?limit=, or ?last=N, its latest N items.
/// @param[in] highest  id of the latest item
Result<Page> page_or_last_of(const http::Request& request, std::uint64_t highest);
/// A number in the path; 0: it is none.
std::uint32_t number_of(const http::Request& request);

/// The header Idempotency-Key, empty without one; or what is wrong with it.
Result<std::string> idempotency_key_of(const http::Request& request);
/// 201: `made` stands at `path`.
http::Response created(const std::string& path, std::uint32_t number, const boost::json::object& made);
/// The rounds of a run that is not over, as its own store says; the fleet's has those of its last phase.
void count_rounds(const std::string& state_folder, RunRow& run);

/// A run and its own store, for reading; no store: it has not begun.
struct FoundRun {
  RunRow row;
  std::optional<Store> store;
};
/// The run that a request names; none: `respond` was called with what is wrong.
std::optional<FoundRun> find_run(const FleetStore& fleet, const std::string& state_folder, const http::Request& request,
                                 http::Responder& respond);

/// {"items": [...], "next": ...}: `next` is the ?after= of the next page, null on the last one.
template <class Rows, class Key, class Json>
http::Response page_of(const Rows& rows, std::uint32_t limit, Key key, Json json) {
  boost::json::array items;
  for (const auto& row : rows) items.push_back(json(row));
  boost::json::value next;
  if (rows.size() == limit) next = key(rows.back());
  return http::json_response(boost::json::serialize(boost::json::object{{"items", items}, {"next", next}}));
}
template <class Rows, class Key>
http::Response page_of(const Rows& rows, std::uint32_t limit, Key key) {
  return page_of(rows, limit, key, [](const auto& row) { return to_json(row); });
}

/// 400 "invalid-parameter", 503 "store-failed".
http::Response bad_parameter(const Error& error);
http::Response store_failed(const Error& error);
/// 404 "not-found": `what` is not there.
http::Response not_found(const std::string& what);
/// Why the service does not do something: 404 "not-found" where a request names what is not there (Cause::kUsage),
/// `otherwise` where it cannot be done (kInvalidArgument), else the store failed.
http::Response refused(const Error& error, http::Response otherwise);

}  // namespace skink::coordinator::api
