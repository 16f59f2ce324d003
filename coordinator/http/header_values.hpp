#pragma once
/// @file
/// Values of HTTP headers: comparison, and lists.

#include <string_view>
#include <vector>

namespace skink::coordinator::http {

/// Compares ASCII letters without their case.
bool equal_ignoring_case(std::string_view a, std::string_view b) noexcept;

/// Without spaces and tabs at both ends.
std::string_view trimmed(std::string_view text) noexcept;

/// The elements of a list separated by commas, trimmed, without empty ones. Commas within quotes separate too: no value
/// that is read here has them.
std::vector<std::string_view> list_elements(std::string_view list);

/// Does a list such as "keep-alive, Upgrade" have `element`, in any case?
bool list_has(std::string_view list, std::string_view element);

/// The host of "name:port", "name" or "[::1]:port", brackets included; empty when it is none of them.
std::string_view host_without_port(std::string_view authority) noexcept;

}  // namespace skink::coordinator::http
