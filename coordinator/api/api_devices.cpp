/// @file
/// Requests about devices.

#include <fmt/format.h>

#include "api_json.hpp"
#include "skink/common/wire/topics.hpp"
#include "skink/coordinator/api/api.hpp"
#include "skink/coordinator/http/json_fields.hpp"
#include "skink/coordinator/http/problem.hpp"
#include "skink/coordinator/provisioning/revoked_list.hpp"

namespace skink::coordinator::api {
namespace {

constexpr std::size_t kMostLabels = 32;
constexpr std::size_t kMostLabelBytes = 64;
constexpr std::chrono::seconds kRevokedReadTime{1};

/// Keys and values of 1..64 bytes.
std::string read_labels(http::JsonFields& fields, const std::string& before) {
  const boost::json::value* value = fields.value("labels");
  if (value == nullptr) return before;
  const boost::json::object* labels = value->if_object();
  bool is_fine = labels != nullptr && labels->size() <= kMostLabels;
  for (std::size_t i = 0; is_fine && i < labels->size(); ++i) {
    const auto& [key, text] = *(labels->begin() + static_cast<std::ptrdiff_t>(i));
    is_fine = !key.empty() && key.size() <= kMostLabelBytes && key.find('=') == boost::json::string_view::npos &&
              text.is_string() && !text.get_string().empty() && text.get_string().size() <= kMostLabelBytes;
  }
  if (!is_fine) {
    fields.refuse("labels", "an object of at most 32 texts of 1..64 bytes, their names without '='");
    return before;
  }
  for (const auto& [key, text] : *labels) {
    for (const std::string_view one : {std::string_view(key), std::string_view(text.get_string())}) {
      const std::string fault = http::name_fault(one);
      if (!fault.empty()) fields.blame("labels", fmt::format("'{}': {}", one, fault));
    }
  }
  return boost::json::serialize(*labels);
}

/// What the fields say replaces what was said before.
FleetDevice read_description(http::JsonFields& fields, const std::string& id, FleetDevice device) {
  device.row.id = id;
  device.group = fields.name("group", 0, 64, device.group);
  device.labels = read_labels(fields, device.labels.empty() ? "{}" : device.labels);
  device.note = fields.text("note", 0, 1000, device.note);
  device.excluded = fields.boolean("excluded", device.excluded);
  return device;
}

/// What a service without the authority's key cannot do.
std::string left_after_revocation(const std::string& id) {
  return fmt::format(
      "its certificate stays valid at the broker until the authority revokes it: `skinkctl device revoke --pki DIR "
      "{}`, "
      "DIR being the folder with ca.key. Then `kill -HUP $(pidof mosquitto)` has the broker refuse its next "
      "connection, "
      "and a restart of the broker ends the one that it has (docs/provisioning.md)",
      id);
}

}  // namespace

void Api::add_devices(http::Router& router) {
  router.add(
      "GET", "/api/v1/devices", http::Scope::kRead, "Devices by id",
      [this](const http::Request& request, http::Responder respond) { show_devices(request, std::move(respond)); });
  router.add(
      "GET", "/api/v1/devices/{id}", http::Scope::kRead, "One device",
      [this](const http::Request& request, http::Responder respond) { show_device(request, std::move(respond)); });
  router.add(
      "PATCH", "/api/v1/devices/{id}", http::Scope::kOperate,
      "Group, labels, note and exclusion of a device, which need not have been seen yet",
      [this](const http::Request& request, http::Responder respond) { describe_device(request, std::move(respond)); });
  router.add(
      "DELETE", "/api/v1/devices/{id}", http::Scope::kOperate,
      "Forgets a device that is gone for good; it is new when it is heard again",
      [this](const http::Request& request, http::Responder respond) { forget_device(request, std::move(respond)); });
  router.add(
      "POST", "/api/v1/devices/{id}:revoke", http::Scope::kOperate, "Puts a device out of the fleet, for good",
      [this](const http::Request& request, http::Responder respond) { revoke_device(request, std::move(respond)); });
}

void Api::forget_device(const http::Request& request, http::Responder respond) {
  const std::string& id = request.parameter("id");
  service_.post([id, who = request.principal->name,
                 respond = std::make_shared<http::Responder>(std::move(respond))](FleetService& service) {
    const auto forgotten = service.forget_device(id, who);
    if (!forgotten && forgotten.error().code == make_error_code(Status::kInvalidArgument)) {
      return (*respond)(http::problem(409, "device-in-use", forgotten.error().message));
    }
    if (!forgotten) return (*respond)(store_failed(forgotten.error()));
    (*respond)(*forgotten ? http::no_content() : not_found("device " + id));
  });
}

const RevokedIds& Api::revoked() {
  const std::string& path = service_.settings().revoked;
  const auto now = std::chrono::steady_clock::now();
  if (path.empty() || (revoked_read_ != decltype(revoked_read_)() && now - revoked_read_ < kRevokedReadTime)) {
    return revoked_;
  }
  revoked_read_ = now;
  auto ids = provisioning::read_revoked_list(path);
  if (ids) revoked_ = std::move(*ids);
  return revoked_;
}

void Api::show_devices(const http::Request& request, http::Responder respond) {
  const auto limit = limit_of(request);
  if (!limit) return respond(bad_parameter(limit.error()));
  const std::string* after = request.query_parameter("after");
  DeviceFilter filter;
  if (const std::string* group = request.query_parameter("group")) filter.group = *group;
  if (const std::string* online = request.query_parameter("online")) {
    if (*online != "true" && *online != "false") {
      return respond(http::problem(400, "invalid-parameter", "'online': true or false expected"));
    }
    filter.online = *online == "true";
  }
  const auto devices = store_.devices(after == nullptr ? "" : *after, *limit, filter);
  if (!devices) return respond(store_failed(devices.error()));
  const RevokedIds& revoked_ids = revoked();
  respond(page_of(
      *devices, *limit, [](const FleetDevice& device) { return device.row.id; },
      [&revoked_ids](const FleetDevice& device) { return to_json(device, revoked_ids.contains(device.row.id)); }));
}

void Api::show_device(const http::Request& request, http::Responder respond) {
  const std::string& id = request.parameter("id");
  const auto device = store_.device(id);
  if (!device) return respond(store_failed(device.error()));
  if (!*device) return respond(not_found("device " + id));
  respond(http::json_response(boost::json::serialize(to_json(**device, revoked().contains(id)))));
}

/// A device need not have been seen: its keys may be in wrong hands before it was ever switched on.
void Api::revoke_device(const http::Request& request, http::Responder respond) {
  const std::string& id = request.parameter("id");
  if (!wire::is_valid_id({id.data(), id.size()})) {
    return respond(http::problem(400, "invalid-parameter", fmt::format("a device id is {}", wire::kIdRule)));
  }
  revoked_read_ = {};  // whoever asks next is told of this one
  service_.post([id, who = request.principal->name,
                 respond = std::make_shared<http::Responder>(std::move(respond))](FleetService& service) {
    const auto added = service.revoke_device(id, who);
    if (!added && added.error().code == make_error_code(Status::kInvalidArgument)) {
      return (*respond)(http::problem(409, "no-revocation-list", added.error().message));
    }
    if (!added) return (*respond)(store_failed(added.error()));
    (*respond)(http::json_response(boost::json::serialize(boost::json::object{
        {"id", id}, {"revoked", true}, {"was_revoked", !*added}, {"left_to_do", left_after_revocation(id)}})));
  });
}

void Api::describe_device(const http::Request& request, http::Responder respond) {
  const std::string& id = request.parameter("id");
  if (!wire::is_valid_id({id.data(), id.size()})) {
    return respond(http::problem(400, "invalid-parameter", fmt::format("a device id is {}", wire::kIdRule)));
  }
  const auto body = http::json_body(request);
  if (!body) return respond(http::problem_of(body.error()));
  const bool is_revoked = revoked().contains(id);
  service_.post([id, is_revoked, body = *body, who = request.principal->name,
                 respond = std::make_shared<http::Responder>(std::move(respond))](FleetService& service) {
    const auto known = service.store().device(id);
    if (!known) return (*respond)(store_failed(known.error()));
    http::JsonFields fields(body);
    const FleetDevice device = read_description(fields, id, known->value_or(FleetDevice()));
    if (const auto fine = fields.finish(); !fine) return (*respond)(http::problem_of(fine.error()));
    const auto done = service.describe_device(device, who);
    if (!done) return (*respond)(store_failed(done.error()));
    const auto now = service.store().device(id);
    if (!now || !*now) return (*respond)(http::problem(503, "store-failed", "the device cannot be read"));
    (*respond)(http::json_response(boost::json::serialize(to_json(**now, is_revoked))));
  });
}

}  // namespace skink::coordinator::api
