#pragma once
/// @file
/// Names and addresses of servers, as certificates have them.

#include <string>

#include "skink/host/result.hpp"

namespace skink::provisioning {

/// Is this an IPv4 address, or an IPv6 address without brackets?
bool is_address(const std::string& text);

/// Is this an address, or a DNS name that a certificate may have: 1..253 characters, labels of 1..63 letters, digits
/// and
/// '-', none that begins or ends with '-', the last one with a letter in it? No '*'.
/// @returns kInvalidArgument for anything else; the message quotes it and says what is wanted.
Result<void> check_host(const std::string& text);

}  // namespace skink::provisioning
