#pragma once
/// @file
/// The HTTP interface of a fleet service: /api/v1, health, metrics. docs/api.md says what each request does,
/// docs/openapi.json describes it for programs.
///
/// Requests that read are answered on the server's thread from stores opened for reading; those that change something
/// are posted to the service's thread, which answers between two turns.

#include <chrono>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "skink/coordinator/core/revoked_ids.hpp"
#include "skink/coordinator/http/http_server.hpp"
#include "skink/coordinator/service/fleet_service.hpp"
#include "skink/coordinator/store/fleet_store.hpp"
#include "skink/coordinator/store/new_token.hpp"

namespace skink::coordinator::api {

/// Who may do what, by the hash of a token. Thread-safe.
class TokenBook {
 public:
  /// From now on these, and no others.
  void replace(const std::vector<TokenRow>& tokens);
  /// Whose token "Bearer ..." is; none: nobody's.
  std::optional<http::Principal> find(std::string_view authorization) const;

 private:
  mutable std::mutex mutex_;  ///< guards the next
  std::map<std::string, http::Principal, std::less<>> by_sha256_;
};

/// A certificate whose end is told in /metrics.
struct WatchedCertificate {
  std::string name;  ///< label: "authority", "broker", "broker-client", "http"
  std::string path;
};

/// Answers for one service, which it outlives only without being asked.
class Api {
 public:
  /// @param[in] service       borrowed; requests are posted to it
  /// @param[in] state_folder  of the service
  /// Errors: the fleet's store cannot be read.
  static Result<std::unique_ptr<Api>> create(FleetService& service, const std::string& state_folder);

  /// All routes. Borrows this.
  http::Router router();
  /// The unix socket's clients may do everything; others need a token. Borrows this.
  http::Authentication authentication();
  /// What the service is to tell: it becomes events of the streams. `log` is called for each event too.
  FleetObserver observer(std::function<void(const EventRow&)> log);
  /// Where the metrics find the server's own figures; before the server is asked.
  void set_statistics(std::function<http::Statistics()> statistics) { statistics_ = std::move(statistics); }
  /// Whose ends the metrics tell; before the server is asked. Those that cannot be read are left out.
  void watch_certificates(std::vector<WatchedCertificate> certificates) { certificates_ = std::move(certificates); }

 private:
  Api(FleetService& service, FleetStore store, std::string state_folder);
  Result<void> read_tokens();
  Result<void> read_tokens_of(FleetService& service);
  void show_metrics(const http::Request& request, http::Responder respond);
  void add_health(http::Router& router);
  void add_runs(http::Router& router);
  void add_run_changes(http::Router& router);
  void add_evaluations(http::Router& router);
  void add_page(http::Router& router);
  void add_models(http::Router& router);
  void add_releases(http::Router& router);
  void add_schedules(http::Router& router);
  void add_devices(http::Router& router);
  void add_renewals(http::Router& router);
  void add_events(http::Router& router);
  void add_tokens(http::Router& router);
  void show_status(const http::Request& request, http::Responder respond);
  void show_ready(const http::Request& request, http::Responder respond);
  void queue_run(const http::Request& request, http::Responder respond);
  void change_run(const http::Request& request, http::Responder respond,
                  Result<void> (FleetService::*change)(std::uint32_t, const std::string&));
  void add_model(const http::Request& request, http::Responder respond);
  void add_schedule(const http::Request& request, http::Responder respond);
  void change_schedule(const http::Request& request, http::Responder respond);
  void remove_schedule(const http::Request& request, http::Responder respond);
  void release_model(const http::Request& request, http::Responder respond);
  void try_model(const http::Request& request, http::Responder respond);
  void show_session(const http::Request& request, http::Responder respond);
  void show_details(const http::Request& request, http::Responder respond);
  void show_evaluations(const http::Request& request, http::Responder respond);
  void show_reports(const http::Request& request, http::Responder respond);
  void show_reports_of_device(const http::Request& request, http::Responder respond);
  void show_participants(const http::Request& request, http::Responder respond);
  void show_devices(const http::Request& request, http::Responder respond);
  void show_device(const http::Request& request, http::Responder respond);
  void revoke_device(const http::Request& request, http::Responder respond);
  void show_renewals(const http::Request& request, http::Responder respond);
  void renew_device(const http::Request& request, http::Responder respond);
  void forget_device(const http::Request& request, http::Responder respond);
  /// The list of revoked ids, read again every second; empty where it cannot be read, which the service says.
  const RevokedIds& revoked();
  void show_rounds(const http::Request& request, http::Responder respond);
  void describe_device(const http::Request& request, http::Responder respond);
  void add_token(const http::Request& request, http::Responder respond);
  void remove_token(const http::Request& request, http::Responder respond);
  void publish(const std::string& type, std::string json);

  FleetService& service_;
  FleetStore store_;  // for reading, on the server's thread
  std::string state_folder_;
  RevokedIds revoked_;  // on the server's thread, as the next
  std::chrono::steady_clock::time_point revoked_read_{};
  std::shared_ptr<http::EventHub> hub_;
  TokenBook tokens_;
  std::vector<WatchedCertificate> certificates_;
  std::function<http::Statistics()> statistics_;
};

}  // namespace skink::coordinator::api
