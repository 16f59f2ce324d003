#pragma once
/// @file
/// Results on hosts: a value, or an error with a sentence for the person who has to fix it. Freestanding code returns
/// `Status`; here it becomes part of `Error`, and so do socket and file failures.

#include <boost/system/error_code.hpp>
#include <boost/system/result.hpp>
#include <cstdint>
#include <string>
#include <utility>

#include "skink/common/status.hpp"

namespace skink {

/// What is at fault: where the person who fixes it has to look, and with which exit code a program ends
/// (exit_codes.hpp). Set where the file is opened, where it is known best.
enum class Cause : std::uint8_t {
  kUnsaid,
  kUsage,          ///< the command line
  kConfiguration,  ///< an experiment or configuration file
  kData,           ///< a data set, a model, an image
  kCredentials,    ///< a certificate, a key, a list of revoked ones
  kStore           ///< the store, a file that is written, the disk, a lock
};

/// What went wrong (code) and where, with what to do about it (message).
struct Error {
  boost::system::error_code code;
  std::string message;
  Cause cause = Cause::kUnsaid;
};

/// The error with `cause`; a cause that was set before is kept.
inline Error because(Error error, Cause cause) {
  if (error.cause == Cause::kUnsaid) error.cause = cause;
  return error;
}

/// A value, or an Error. value() on an error throws; test it first.
template <class T>
using Result = boost::system::result<T, Error>;

/// `Status` as an error category, "skink". Static storage.
const boost::system::error_category& status_category() noexcept;

/// `status` as an error code; kOk gives a code that is no error. By it a Status converts to error_code and compares
/// with one: `error.code == Status::kDamaged`.
inline boost::system::error_code make_error_code(Status status) noexcept {
  return {static_cast<int>(status), status_category()};
}

/// An error of `status`, which is not kOk.
/// @param[in] message  a sentence with the file or option at fault, and what to do about it.
/// @param[in] cause    kUnsaid where the caller knows better: because().
inline Error make_error(Status status, std::string message, Cause cause = Cause::kUnsaid) {
  return {make_error_code(status), std::move(message), cause};
}

/// Called by value() of a Result that holds an error: throws std::runtime_error with the message, or the code's when
/// there is none. Found by boost::system::result; not for other callers.
[[noreturn]] void throw_exception_from_error(const Error& error, const boost::source_location& location);

}  // namespace skink

/// Makes Status convertible to boost::system::error_code.
template <>
struct boost::system::is_error_code_enum<skink::Status> : std::true_type {};
