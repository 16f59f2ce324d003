/// @file
/// The page: files for browsers. What it shows it asks for with a token, as everybody does.

#include "page_assets.hpp"
#include "skink/coordinator/api/api.hpp"

namespace skink::coordinator::api {

void Api::add_page(http::Router& router) { router.add_assets(page_assets()); }

}  // namespace skink::coordinator::api
