#include "override_text.hpp"

#include <boost/json.hpp>

namespace skink::coordinator::internal {

std::string encode_overrides(const std::vector<Override>& overrides) {
  boost::json::array array;
  for (const Override& one : overrides) array.push_back({{"key", one.key}, {"value", one.value}});
  return boost::json::serialize(array);
}

bool decode_overrides(const std::string& text, std::vector<Override>& overrides) {
  boost::system::error_code code;
  const boost::json::value value = boost::json::parse(text, code);
  if (code || !value.is_array()) return false;
  for (const boost::json::value& one : value.get_array()) {
    const boost::json::object* object = one.if_object();
    const boost::json::value* key = object == nullptr ? nullptr : object->if_contains("key");
    const boost::json::value* text_of = object == nullptr ? nullptr : object->if_contains("value");
    if (key == nullptr || text_of == nullptr || !key->is_string() || !text_of->is_string()) return false;
    overrides.push_back({std::string(key->get_string()), std::string(text_of->get_string())});
  }
  return true;
}

}  // namespace skink::coordinator::internal
