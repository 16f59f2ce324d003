#pragma once
/// @file
/// JSON bodies of requests: a bounded parse, and fields with errors that say what was expected. What a body has beyond
/// the fields that were read is refused by finish(), so that a misspelt name is no silent default.

#include <boost/json/value.hpp>
#include <cstdint>
#include <optional>
#include <set>
#include <string>
#include <string_view>

#include "skink/coordinator/http/http_message.hpp"
#include "skink/host/result.hpp"

namespace skink::coordinator::http {

/// Parses `text`, UTF-8, nested at most 32 deep. Of a name that an object has twice the last value counts.
/// @returns kInvalidArgument with where and why.
Result<boost::json::value> parse_json(std::string_view text);

/// The object in a request's body, which must be application/json.
/// @returns the object; kUnsupported for another content type, kInvalidArgument for what is not JSON or no object. Both
///          become an answer with problem_of().
Result<boost::json::object> json_body(const Request& request);

/// 415 "unsupported-media-type" for kUnsupported, else 400 "invalid-body" with the error's message.
Response problem_of(const Error& error);

/// What is wrong with a text that stands for something: "it has the control character 0x07 at byte 3; leave it out".
/// Empty: it has none.
std::string control_character_in(std::string_view text);
/// The same of a name, which has no blank at its ends either: two names that look the same are the same.
std::string name_fault(std::string_view text);

/// Reads fields of one object. The first fault is kept; afterwards fields have their fallback. The object outlives it.
///
///   JsonFields fields(*body);
///   const std::string name = fields.text("name", 1, 64);
///   if (const auto fine = fields.finish(); !fine) return respond(problem_of(fine.error()));
class JsonFields {
 public:
  /// Reads nothing yet.
  explicit JsonFields(const boost::json::object& object) : object_(&object) {}

  /// Text of `least`..`most` bytes of UTF-8 without control characters. Without `fallback` it must be there.
  std::string text(std::string_view name, std::size_t least, std::size_t most,
                   std::optional<std::string> fallback = std::nullopt);
  /// Such a text that names something: name_fault() is empty. What `fallback` says is not looked at.
  std::string name(std::string_view name, std::size_t least, std::size_t most,
                   std::optional<std::string> fallback = std::nullopt);
  /// A whole number from `least` to `most`.
  std::int64_t integer(std::string_view name, std::int64_t least, std::int64_t most,
                       std::optional<std::int64_t> fallback = std::nullopt);
  /// A finite number from `least` to `most`.
  double number(std::string_view name, double least, double most, std::optional<double> fallback = std::nullopt);
  /// true or false.
  bool boolean(std::string_view name, std::optional<bool> fallback = std::nullopt);
  /// Any value; nullptr when it is not there.
  const boost::json::value* value(std::string_view name);

  /// Keeps a fault that the caller has found in a field: "'name': <fault>".
  void blame(std::string_view name, std::string_view fault);
  /// The same where another value was expected: "'name': <what> expected".
  void refuse(std::string_view name, std::string_view expected);

  /// @returns kInvalidArgument with the first fault, "'name': text of 1..64 bytes expected", or for a field that nobody
  /// read.
  Result<void> finish() const;

 private:
  const boost::json::value* find(std::string_view name, bool is_required, std::string_view expected);

  const boost::json::object* object_;
  std::set<std::string, std::less<>> known_;
  std::string fault_;
};

}  // namespace skink::coordinator::http
