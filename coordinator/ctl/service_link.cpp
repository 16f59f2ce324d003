#include "service_link.hpp"

#include <fmt/format.h>

#include <cstdlib>

#include "failure.hpp"
#include "refusal_text.hpp"

namespace skink::ctl {
namespace {

using coordinator::client::Answer;
using coordinator::client::Call;
using coordinator::client::Endpoint;

constexpr const char* kDefaultSocket = "/run/skink/api.sock";
constexpr const char* kPageSize = "limit=500";
constexpr std::size_t kMostItems = 1'000'000;

std::string environment(const char* name) {
  const char* value = std::getenv(name);
  return value == nullptr ? "" : value;
}

/// What a status says of who has to do something.
Cause cause_of(int status) {
  switch (status) {
    case 401:
    case 403: return Cause::kCredentials;
    case 413:
    case 422: return Cause::kConfiguration;
    case 400:
    case 404:
    case 409: return Cause::kUsage;
    default: return Cause::kUnsaid;
  }
}

bool is_fine(const Answer& answer) { return answer.status >= 200 && answer.status < 300; }

Result<boost::json::object> object_of(const Answer& answer) {
  if (answer.body.empty()) return boost::json::object();
  boost::system::error_code code;
  boost::json::value value = boost::json::parse(answer.body, code);
  if (!code && value.is_object()) return std::move(value.get_object());
  return make_error(Status::kDamaged, "the answer of the service is not what skinkctl knows; is it of another version?",
                    Cause::kData);
}

Result<Endpoint> endpoint_of(const LinkOptions& options) {
  Endpoint endpoint;
  const bool by_socket = !options.socket.empty() || (options.url.empty() && !environment("SKINK_SOCKET").empty());
  const std::string url = !options.url.empty() ? options.url : by_socket ? "" : environment("SKINK_URL");
  if (url.empty()) {
    const std::string path = !options.socket.empty() ? options.socket : environment("SKINK_SOCKET");
    endpoint.socket = path.empty() ? kDefaultSocket : path;
    if (options.token_file.empty() && options.ca.empty()) return endpoint;
    const bool is_hidden =
        options.socket.empty() && !environment("SKINK_SOCKET").empty() && !environment("SKINK_URL").empty();
    return make_error(Status::kInvalidArgument,
                      is_hidden
                          ? "--token-file and --ca belong to a URL, and SKINK_SOCKET goes before SKINK_URL: give --url"
                          : "--token-file and --ca belong to --url",
                      Cause::kUsage);
  }
  auto parsed = coordinator::client::parse_url(url);
  if (!parsed) return parsed;
  parsed->ca_file = options.ca;
  const std::string file = !options.token_file.empty() ? options.token_file : environment("SKINK_TOKEN_FILE");
  if (file.empty()) return parsed;
  auto token = coordinator::client::read_token(file);
  if (!token) return token.error();
  parsed->token = std::move(*token);
  return parsed;
}

/// As it was sent, with the ends of its lines: whoever prints it makes it printable().
std::string raw_text_of(const boost::json::object& object, std::string_view field) {
  const boost::json::value* value = object.if_contains(field);
  return value != nullptr && value->is_string() ? std::string(value->get_string()) : "-";
}

/// Needs no escape in a query.
bool is_unreserved(char c) {
  return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '-' || c == '_' || c == '.';
}

/// A value of a query: ids of devices and numbers need no escapes, and nothing else is let through.
std::string query_value(const boost::json::value& value) {
  std::string text = value.is_string() ? std::string(value.get_string()) : boost::json::serialize(value);
  for (const char c : text) {
    if (!is_unreserved(c)) return "";
  }
  return text;
}

}  // namespace

void LinkOptions::add_to(Command& command) {
  const Option by_socket =
      command.option("--socket", socket, "The service's unix socket; default: SKINK_SOCKET, or /run/skink/api.sock");
  command.option("--url", url, "Or over TCP: https://host:port; default: SKINK_URL").excludes(by_socket);
  command.option("--token-file", token_file, "File with the token for --url; default: SKINK_TOKEN_FILE");
  command.option("--ca", ca, "CA of the service's certificate, PEM; default: those of the system");
  command.flag("--json", json, "Prints the service's JSON");
}

Result<ServiceLink> ServiceLink::open(const LinkOptions& options) {
  auto endpoint = endpoint_of(options);
  if (!endpoint) return endpoint.error();
  return ServiceLink(std::move(*endpoint), options.json);
}

Error refusal_of(const Answer& answer) {
  boost::system::error_code code;
  const boost::json::value value = boost::json::parse(answer.body, code);
  const boost::json::object problem = !code && value.is_object() ? value.get_object() : boost::json::object();
  const std::string name = text_of(problem, "code");
  std::string message = problem.empty() ? "the service answers with HTTP status " + std::to_string(answer.status)
                                        : refusal_text(raw_text_of(problem, "detail"), name);
  const Status status = answer.status == 500 ? Status::kDamaged : Status::kUnavailable;
  return make_error(status, message, name == "store-failed" ? Cause::kStore : cause_of(answer.status));
}

Result<std::string> ServiceLink::get_text(const std::string& target, std::size_t most_bytes) const {
  coordinator::client::ClientLimits limits;
  limits.answer_bytes = most_bytes;
  Call call;
  call.target = target;
  const auto answer = client_.send(call, limits);
  if (!answer) return answer.error();
  if (!is_fine(*answer)) return refusal_of(*answer);
  return answer->body;
}

Result<boost::json::object> ServiceLink::get(const std::string& target) const {
  const auto text = get_text(target);
  if (!text) return text.error();
  return object_of({200, *text});
}

Result<boost::json::object> ServiceLink::change(const char* method, const std::string& target,
                                                const boost::json::object& body,
                                                const std::string& idempotency_key) const {
  const Call call{method, target, body.empty() ? "" : boost::json::serialize(body), idempotency_key};
  auto answer = client_.send(call);
  if (!answer && !idempotency_key.empty() && answer.error().code == Status::kUnavailable) answer = client_.send(call);
  if (!answer) return answer.error();
  if (!is_fine(*answer)) return refusal_of(*answer);
  return object_of(*answer);
}

Result<boost::json::array> ServiceLink::pages(const std::string& target) const {
  boost::json::array items;
  std::string after;
  do {
    auto page = get(target + (target.find('?') == std::string::npos ? "?" : "&") + kPageSize + after);
    if (!page) return page.error();
    boost::json::value* rows = page->if_contains("items");
    if (rows == nullptr || !rows->is_array()) return object_of({200, "[]"}).error();
    for (auto& row : rows->get_array()) items.push_back(std::move(row));
    const boost::json::value* next = page->if_contains("next");
    const bool is_last = next == nullptr || next->is_null() || rows->get_array().empty();
    after = is_last ? "" : "&after=" + query_value(*next);
  } while (!after.empty() && items.size() < kMostItems);
  return items;
}

std::string with_query(const std::string& path, const Query& query) {
  std::string target = path;
  for (const auto& [name, value] : query) {
    if (value.empty()) continue;
    target += target.find('?') == std::string::npos ? '?' : '&';
    target += name + "=";
    for (const char c : value) {
      target += is_unreserved(c) ? std::string(1, c) : fmt::format("%{:02X}", static_cast<unsigned char>(c));
    }
  }
  return target;
}

void note_empty_group(const ServiceLink& link, const std::string& group) {
  if (group.empty()) return;
  const auto page = link.get(with_query("/api/v1/devices?limit=1", {{"group", group}}));
  if (!page || !page->contains("items") || !page->at("items").is_array() || !page->at("items").get_array().empty())
    return;
  std::fprintf(stderr, "skinkctl: no device is in the group '%s' yet: skinkctl devices group ID %s\n",
               printable(group).c_str(), printable(group).c_str());
}

int fail(const Error& error) {
  const bool is_away = error.code == Status::kUnavailable;
  return fail(exit_code_of(error, is_away ? ExitCode::kUnreachable : ExitCode::kInternal), error.message);
}

int show_object(const ServiceLink& link, const Result<boost::json::object>& answer) {
  if (!answer) return fail(answer.error());
  if (link.json()) {
    std::printf("%s\n", boost::json::serialize(*answer).c_str());
  } else {
    print_fields(*answer);
  }
  return kOk;
}

int show_rows(const ServiceLink& link, const boost::json::array& rows, const std::vector<Column>& columns) {
  if (link.json()) {
    std::printf("%s\n", boost::json::serialize(boost::json::object{{"items", rows}}).c_str());
  } else {
    print_table(columns, rows);
  }
  return kOk;
}

int show_list(const ServiceLink& link, const std::string& target, const std::vector<Column>& columns,
              std::uint32_t last) {
  auto rows = link.pages(target);
  if (!rows) return fail(rows.error());
  if (last != 0 && rows->size() > last) rows->erase(rows->begin(), rows->end() - last);
  return show_rows(link, *rows, columns);
}

}  // namespace skink::ctl
