#include "skink/host/config/overrides.hpp"

namespace skink {

Result<std::vector<Override>> parse_overrides(const std::vector<std::string>& texts) {
  std::vector<Override> overrides;
  for (const std::string& text : texts) {
    const std::size_t equals = text.find('=');
    if (equals == std::string::npos || equals == 0) {
      return make_error(Status::kInvalidArgument,
                        "--set: '" + text + "' is not key=value, for example meta.rounds=100");
    }
    overrides.push_back({text.substr(0, equals), text.substr(equals + 1)});
  }
  return overrides;
}

}  // namespace skink
