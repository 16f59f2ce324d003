#include "skink/coordinator/http/problem.hpp"

#include <array>
#include <boost/json/object.hpp>
#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>
#include <cstdint>

namespace skink::coordinator::http {
namespace {

constexpr std::string_view kProblemType = "application/problem+json";

/// Bytes of the valid UTF-8 sequence at the start of `text`; 0 when there is none.
std::size_t sequence_bytes(std::string_view text) noexcept {
  if (text.empty()) return 0;
  const auto byte = [&](std::size_t i) { return static_cast<std::uint8_t>(text[i]); };
  const std::uint8_t lead = byte(0);
  if (lead < 0x80) return 1;
  const std::size_t length = lead >= 0xf0 ? 4 : lead >= 0xe0 ? 3 : 2;
  if (lead < 0xc2 || lead > 0xf4 || text.size() < length) return 0;
  // The second byte's range excludes overlong forms, surrogates and what lies beyond U+10FFFF.
  const std::uint8_t least = lead == 0xe0 ? 0xa0 : lead == 0xf0 ? 0x90 : 0x80;
  const std::uint8_t most = lead == 0xed ? 0x9f : lead == 0xf4 ? 0x8f : 0xbf;
  if (byte(1) < least || byte(1) > most) return 0;
  for (std::size_t i = 2; i < length; ++i) {
    if (byte(i) < 0x80 || byte(i) > 0xbf) return 0;
  }
  return length;
}

}  // namespace

bool is_utf8(std::string_view text) noexcept {
  while (!text.empty()) {
    const std::size_t length = sequence_bytes(text);
    if (length == 0) return false;
    text.remove_prefix(length);
  }
  return true;
}

namespace {

/// @param[in] kept  control characters that stay
std::string printable_but(std::string_view text, std::string_view kept) {
  std::string printable;
  printable.reserve(text.size());
  while (!text.empty()) {
    const std::size_t length = sequence_bytes(text);
    const auto lead = static_cast<std::uint8_t>(text[0]);
    const bool is_control = (lead < 0x20 || lead == 0x7f) && kept.find(text[0]) == std::string_view::npos;
    if (length == 0 || is_control) {
      printable += '?';
    } else {
      printable += text.substr(0, length);
    }
    text.remove_prefix(length == 0 ? 1 : length);
  }
  return printable;
}

}  // namespace

std::string printable_utf8(std::string_view text) { return printable_but(text, ""); }

std::string printable_lines(std::string_view text) { return printable_but(text, "\n"); }

Response problem(int status, std::string_view code, std::string_view detail, std::string_view instance) {
  boost::json::object document;
  document["type"] = "docs/api.md#" + std::string(code);
  document["title"] = status_phrase(status);
  document["status"] = status;
  document["detail"] = printable_lines(detail);
  if (!instance.empty()) document["instance"] = printable_utf8(instance);
  document["code"] = code;
  Response response;
  response.status = status;
  response.content_type = kProblemType;
  response.body = Body(boost::json::serialize(document));
  return response;
}

void fill_instance(Response& response, std::string_view path) {
  if (path.empty() || response.content_type != kProblemType) return;
  boost::system::error_code code;
  const std::string_view text = response.body.bytes();
  boost::json::value document = boost::json::parse({text.data(), text.size()}, code);
  if (code || !document.is_object() || document.get_object().contains("instance")) return;
  document.get_object()["instance"] = printable_utf8(path);
  response.body = Body(boost::json::serialize(document));
}

}  // namespace skink::coordinator::http
