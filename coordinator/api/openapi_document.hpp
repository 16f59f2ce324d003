#pragma once
/// @file
/// docs/openapi.json as a part of the program. The definitions are made when it is built (skink_embed_file()).

#include <string_view>

namespace skink::coordinator::api {

/// The document's bytes. They live as long as the program.
std::string_view openapi_document();

/// Its ETag, with quotes.
std::string_view openapi_document_etag();

}  // namespace skink::coordinator::api
