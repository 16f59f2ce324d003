#pragma once
/// @file
/// Results on hosts: a value, or an error with a sentence for the person who has to mend it. Freestanding code returns
/// `Status`; here it becomes part of `Error`, and so do socket and file failures.

#include <boost/system/error_code.hpp>
#include <boost/system/result.hpp>
#include <string>
#include <utility>

#include "skink/common/status.hpp"

namespace skink {

/// What went wrong (code) and where, with what to do about it (message).
struct Error {
  boost::system::error_code code;
  std::string message;
};

template <class T>
using Result = boost::system::result<T, Error>;

/// `Status` as an error category.
const boost::system::error_category& status_category() noexcept;

inline boost::system::error_code make_error_code(Status status) noexcept {
  return {static_cast<int>(status), status_category()};
}

inline Error make_error(Status status, std::string message) { return {make_error_code(status), std::move(message)}; }

/// For boost::system::result: value() on an error throws std::runtime_error with the message.
[[noreturn]] void throw_exception_from_error(const Error& error, const boost::source_location& location);

}  // namespace skink

template <>
struct boost::system::is_error_code_enum<skink::Status> : std::true_type {};
