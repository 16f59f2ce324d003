/// @file
/// Requests about renewals of devices' certificates.

#include <fmt/format.h>

#include "api_json.hpp"
#include "skink/common/wire/topics.hpp"
#include "skink/coordinator/api/api.hpp"
#include "skink/coordinator/http/problem.hpp"

namespace skink::coordinator::api {
namespace {

boost::json::object to_json(const RenewalRow& renewal) {
  const auto or_null = [](const std::string& text) {
    return text.empty() ? boost::json::value() : boost::json::value(text);
  };
  return {{"device", renewal.device},
          {"number", renewal.number},
          {"phase", renewal_phase_text(renewal.phase)},
          {"reason", or_null(renewal.reason)},
          {"valid_until", or_null(renewal.valid_until)},
          {"since", renewal.since}};
}

}  // namespace

void Api::add_renewals(http::Router& router) {
  router.add(
      "GET", "/api/v1/renewals", http::Scope::kRead, "The last renewal of each device's certificate, by id",
      [this](const http::Request& request, http::Responder respond) { show_renewals(request, std::move(respond)); });
  router.add(
      "POST", "/api/v1/devices/{id}:renew", http::Scope::kOperate,
      "Has a device make a new key, and gives it a certificate for it, over its connection",
      [this](const http::Request& request, http::Responder respond) { renew_device(request, std::move(respond)); });
}

void Api::show_renewals(const http::Request& request, http::Responder respond) {
  const auto limit = limit_of(request);
  if (!limit) return respond(bad_parameter(limit.error()));
  const std::string* after = request.query_parameter("after");
  const auto renewals = store_.renewals(after == nullptr ? "" : *after, *limit);
  if (!renewals) return respond(store_failed(renewals.error()));
  respond(page_of(
      *renewals, *limit, [](const RenewalRow& renewal) { return renewal.device; },
      [](const RenewalRow& renewal) { return to_json(renewal); }));
}

/// A device that is away finds the request when it comes back.
void Api::renew_device(const http::Request& request, http::Responder respond) {
  const std::string& id = request.parameter("id");
  if (!wire::is_valid_id({id.data(), id.size()})) {
    return respond(http::problem(400, "invalid-parameter", fmt::format("a device id is {}", wire::kIdRule)));
  }
  service_.post([id, who = request.principal->name,
                 respond = std::make_shared<http::Responder>(std::move(respond))](FleetService& service) {
    const auto number = service.renew_device(id, who);
    if (!number && number.error().code == make_error_code(Status::kInvalidArgument)) {
      return (*respond)(http::problem(409, "cannot-be-renewed", number.error().message));
    }
    if (!number) return (*respond)(store_failed(number.error()));
    (*respond)(http::json_response(boost::json::serialize(boost::json::object{{"device", id}, {"number", *number}})));
  });
}

}  // namespace skink::coordinator::api
