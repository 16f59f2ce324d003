#include "skink/coordinator/http/http_message.hpp"

#include <cassert>

namespace skink::coordinator::http {

const char* scope_text(Scope scope) noexcept {
  switch (scope) {
    case Scope::kNone: return "none";
    case Scope::kRead: return "read";
    case Scope::kOperate: return "operate";
    case Scope::kAdmin: return "admin";
  }
  return "none";
}

const std::string& Request::parameter(std::string_view name) const {
  const auto found = path_parameters.find(name);
  assert(found != path_parameters.end());
  return found->second;
}

const std::string* Request::query_parameter(std::string_view name) const {
  const auto found = query.find(name);
  return found == query.end() ? nullptr : &found->second;
}

Body::Body(std::string text) : Body(std::make_shared<const std::string>(std::move(text))) {}

Body::Body(std::shared_ptr<const std::string> text) : owner_(std::move(text)) {
  if (owner_) bytes_ = *owner_;
}

Body Body::of_static(std::string_view bytes) {
  Body body;
  body.bytes_ = bytes;
  return body;
}

Response json_response(std::string text, int status) {
  Response response;
  response.status = status;
  response.content_type = "application/json";
  response.body = Body(std::move(text));
  return response;
}

Response no_content() {
  Response response;
  response.status = 204;
  return response;
}

const char* status_phrase(int status) noexcept {
  switch (status) {
    case 200: return "OK";
    case 201: return "Created";
    case 202: return "Accepted";
    case 204: return "No Content";
    case 206: return "Partial Content";
    case 301: return "Moved Permanently";
    case 302: return "Found";
    case 303: return "See Other";
    case 304: return "Not Modified";
    case 307: return "Temporary Redirect";
    case 308: return "Permanent Redirect";
    case 400: return "Bad Request";
    case 401: return "Unauthorized";
    case 403: return "Forbidden";
    case 404: return "Not Found";
    case 405: return "Method Not Allowed";
    case 406: return "Not Acceptable";
    case 408: return "Request Timeout";
    case 409: return "Conflict";
    case 410: return "Gone";
    case 412: return "Precondition Failed";
    case 413: return "Content Too Large";
    case 414: return "URI Too Long";
    case 415: return "Unsupported Media Type";
    case 421: return "Misdirected Request";
    case 422: return "Unprocessable Content";
    case 426: return "Upgrade Required";
    case 428: return "Precondition Required";
    case 429: return "Too Many Requests";
    case 431: return "Request Header Fields Too Large";
    case 500: return "Internal Server Error";
    case 501: return "Not Implemented";
    case 502: return "Bad Gateway";
    case 503: return "Service Unavailable";
    case 504: return "Gateway Timeout";
    case 505: return "HTTP Version Not Supported";
    case 507: return "Insufficient Storage";
    default: return "Unknown";
  }
}

}  // namespace skink::coordinator::http
