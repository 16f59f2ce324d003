#include "skink/coordinator/http/json_fields.hpp"

#include <boost/json/parser.hpp>
#include <cmath>

#include "header_values.hpp"
#include "skink/coordinator/http/problem.hpp"

namespace skink::coordinator::http {
namespace {

namespace json = boost::json;

constexpr std::size_t kMostDepth = 32;
constexpr const char* kBlankEnd = "it begins or ends with a blank, which nobody sees; leave the blank out";

constexpr std::string_view kBlanks[] = {" ", "\u00a0", "\u2003", "\u200b",
                                        "\u3000"};  // what keyboards and editors have

bool has_blank_end(std::string_view text) {
  for (const std::string_view blank : kBlanks) {
    if (text.starts_with(blank) || text.ends_with(blank)) return true;
  }
  return false;
}

std::string number_text(double value) {
  if (value == std::floor(value) && std::fabs(value) < 1e15) return std::to_string(static_cast<std::int64_t>(value));
  std::string text = std::to_string(value);
  return text.substr(0, text.find_last_not_of('0') + 1);
}

}  // namespace

std::string control_character_in(std::string_view text) {
  for (std::size_t i = 0; i < text.size(); ++i) {
    const auto byte = static_cast<unsigned char>(text[i]);
    if (byte >= 0x20 && byte != 0x7f) continue;
    constexpr std::string_view kDigits = "0123456789abcdef";
    return std::string("it has the control character 0x") + kDigits[byte >> 4U] + kDigits[byte & 0xfU] + " at byte " +
           std::to_string(i) + "; leave it out";
  }
  return "";
}

Result<json::value> parse_json(std::string_view text) {
  json::parse_options options;
  options.max_depth = kMostDepth;
  json::parser parser({}, options);
  json::error_code code;
  const std::size_t used = parser.write_some(text.data(), text.size(), code);
  if (!code && used < text.size()) code = json::error::extra_data;
  if (!code) return parser.release();
  return make_error(Status::kInvalidArgument,
                    "the body is not JSON: " + code.message() + " (at byte " + std::to_string(used) + ")");
}

Result<json::object> json_body(const Request& request) {
  const std::string_view type =
      trimmed(std::string_view(request.content_type).substr(0, request.content_type.find(';')));
  if (!equal_ignoring_case(type, "application/json")) {
    return make_error(Status::kUnsupported, "the body must be sent with 'Content-Type: application/json'");
  }
  Result<json::value> value = parse_json(request.body);
  if (!value) return value.error();
  if (!value->is_object()) return make_error(Status::kInvalidArgument, "the body must be a JSON object");
  return std::move(value->get_object());
}

Response problem_of(const Error& error) {
  const bool is_type = error.code == Status::kUnsupported;
  return problem(is_type ? 415 : 400, is_type ? "unsupported-media-type" : "invalid-body", error.message);
}

void JsonFields::blame(std::string_view name, std::string_view fault) {
  if (fault_.empty()) fault_ = "'" + std::string(name) + "': " + std::string(fault);
}

void JsonFields::refuse(std::string_view name, std::string_view expected) {
  blame(name, std::string(expected) + " expected");
}

const json::value* JsonFields::find(std::string_view name, bool is_required, std::string_view expected) {
  known_.emplace(name);
  const json::value* found = object_->if_contains(name);
  if (found == nullptr && is_required) refuse(name, expected);
  return found;
}

std::string JsonFields::text(std::string_view name, std::size_t least, std::size_t most,
                             std::optional<std::string> fallback) {
  const std::string expected = "text of " + std::to_string(least) + ".." + std::to_string(most) + " bytes";
  if (const json::value* found = find(name, !fallback, expected)) {
    const json::string* text = found->if_string();
    if (text != nullptr && text->size() >= least && text->size() <= most) {
      const std::string fault = control_character_in(*text);
      if (fault.empty()) return {text->data(), text->size()};
      blame(name, fault);
    }
    refuse(name, expected);
  }
  return std::move(fallback).value_or(std::string());
}

std::string JsonFields::name(std::string_view name, std::size_t least, std::size_t most,
                             std::optional<std::string> fallback) {
  const bool is_said = object_->contains(name);
  std::string text = this->text(name, least, most, std::move(fallback));
  if (is_said && has_blank_end(text)) blame(name, kBlankEnd);
  return text;
}

std::string name_fault(std::string_view text) { return has_blank_end(text) ? kBlankEnd : control_character_in(text); }

std::int64_t JsonFields::integer(std::string_view name, std::int64_t least, std::int64_t most,
                                 std::optional<std::int64_t> fallback) {
  const std::string expected = "whole number of " + std::to_string(least) + ".." + std::to_string(most);
  if (const json::value* found = find(name, !fallback, expected)) {
    const std::int64_t* number = found->if_int64();  // what does not fit is parsed as another kind
    if (number != nullptr && *number >= least && *number <= most) return *number;
    refuse(name, expected);
  }
  return fallback.value_or(least);
}

double JsonFields::number(std::string_view name, double least, double most, std::optional<double> fallback) {
  const std::string expected = "number of " + number_text(least) + ".." + number_text(most);
  if (const json::value* found = find(name, !fallback, expected)) {
    if (found->is_number()) {
      const double number = found->is_double()  ? found->get_double()
                            : found->is_int64() ? static_cast<double>(found->get_int64())
                                                : static_cast<double>(found->get_uint64());
      if (number >= least && number <= most) return number;
    }
    refuse(name, expected);
  }
  return fallback.value_or(least);
}

bool JsonFields::boolean(std::string_view name, std::optional<bool> fallback) {
  if (const json::value* found = find(name, !fallback, "true or false")) {
    if (const bool* value = found->if_bool()) return *value;
    refuse(name, "true or false");
  }
  return fallback.value_or(false);
}

const json::value* JsonFields::value(std::string_view name) { return find(name, false, ""); }

Result<void> JsonFields::finish() const {
  if (!fault_.empty()) return make_error(Status::kInvalidArgument, fault_);
  for (const auto& pair : *object_) {
    if (known_.contains(std::string_view(pair.key()))) continue;
    return make_error(Status::kInvalidArgument, "'" + std::string(pair.key()) + "': there is no such field");
  }
  return {};
}

}  // namespace skink::coordinator::http
