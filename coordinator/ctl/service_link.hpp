#pragma once
/// @file
/// What every command that asks the service has in common: where the service is, requests, and what their failures
/// mean for the exit code.

#include <boost/json.hpp>
#include <string>
#include <utility>
#include <vector>

#include "skink/coordinator/client/api_client.hpp"
#include "skink/host/program/command_line.hpp"
#include "table.hpp"

namespace skink::ctl {

/// Options --socket, --url, --token-file, --ca and --json.
struct LinkOptions {
  std::string socket;
  std::string url;
  std::string token_file;
  std::string ca;
  bool json = false;

  void add_to(Command& command);
};

/// Asks a service. An answer that is a refusal becomes an Error with its detail, code and cause.
class ServiceLink {
 public:
  /// From the options, else from SKINK_SOCKET, else from SKINK_URL and SKINK_TOKEN_FILE, else /run/skink/api.sock.
  static Result<ServiceLink> open(const LinkOptions& options);

  Result<std::string> get_text(const std::string& target, std::size_t most_bytes = std::size_t{4} << 20) const;
  Result<boost::json::object> get(const std::string& target) const;
  /// POST, PATCH or DELETE; an answer without a body is an empty object. With a key, a lost answer is asked for again.
  Result<boost::json::object> change(const char* method, const std::string& target, const boost::json::object& body,
                                     const std::string& idempotency_key = "") const;
  /// The items of all pages.
  Result<boost::json::array> pages(const std::string& target) const;

  const coordinator::client::ApiClient& client() const { return client_; }
  bool json() const { return json_; }

 private:
  ServiceLink(coordinator::client::Endpoint endpoint, bool json) : client_(std::move(endpoint)), json_(json) {}

  coordinator::client::ApiClient client_;
  bool json_;
};

/// The refusal in an answer that is not 2xx.
Error refusal_of(const coordinator::client::Answer& answer);

/// Prints what went wrong. @returns the exit code: by the cause, else kUnreachable, or kInternal.
int fail(const Error& error);

/// What selects items of a list: name and value; an empty value is left out, any other one is escaped.
using Query = std::vector<std::pair<std::string, std::string>>;
std::string with_query(const std::string& path, const Query& query);

/// Says on standard error that a group has no device yet, which a mistyped name has not either; empty: all, nothing is
/// said.
void note_empty_group(const ServiceLink& link, const std::string& group);

/// Prints the answer: as JSON, or its fields.
int show_object(const ServiceLink& link, const Result<boost::json::object>& answer);
/// Prints all pages of a list, or with `last` the last so many items: as JSON {"items": [...]}, or a table.
int show_list(const ServiceLink& link, const std::string& target, const std::vector<Column>& columns,
              std::uint32_t last = 0);
int show_rows(const ServiceLink& link, const boost::json::array& rows, const std::vector<Column>& columns);

}  // namespace skink::ctl
