#pragma once
/// @file
/// Errors of the API: application/problem+json (RFC 9457). One vocabulary of codes, documented in docs/api.md.

#include <string>
#include <string_view>

#include "skink/coordinator/http/http_message.hpp"

namespace skink::coordinator::http {

/// A problem document {type, title, status, detail, instance, code}.
/// @param[in] status    400..599.
/// @param[in] code      a stable word, `[a-z0-9-]`: "not-found". The type is "docs/api.md#<code>".
/// @param[in] detail    a sentence for the person who has to fix it; any bytes: printable_lines() of it.
/// @param[in] instance  the request's path; empty: left out. The server fills it in where a handler has not.
Response problem(int status, std::string_view code, std::string_view detail, std::string_view instance = {});

/// Gives a problem document the member `instance` where it has none. Other responses stay as they are.
/// @param[in] path  the request's, decoded; empty, because none could be read: nothing is done.
void fill_instance(Response& response, std::string_view path);

/// `text` with every byte that is not part of valid UTF-8, or is a control character, replaced by '?'.
std::string printable_utf8(std::string_view text);

/// The same, but ends of lines stay: a text for people may have several.
std::string printable_lines(std::string_view text);

/// Is `text` valid UTF-8 (no surrogates, nothing overlong)?
bool is_utf8(std::string_view text) noexcept;

}  // namespace skink::coordinator::http
