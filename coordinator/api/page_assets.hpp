#pragma once
/// @file
/// The page at "/" as a part of the program. The definition is made when it is built (skink_embed_assets()).

#include "skink/common/span.hpp"
#include "skink/coordinator/http/asset.hpp"

namespace skink::coordinator::api {

/// All files of the page, compressed. They live as long as the program.
Span<const http::Asset> page_assets();

}  // namespace skink::coordinator::api
