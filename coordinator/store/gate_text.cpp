#include "gate_text.hpp"

#include <boost/json.hpp>

namespace skink::coordinator {

const char* release_policy_text(ReleasePolicy policy) {
  switch (policy) {
    case ReleasePolicy::kManual: return "manual";
    case ReleasePolicy::kAuto: return "auto";
    case ReleasePolicy::kGated: return "gated";
  }
  return "";
}

std::optional<ReleasePolicy> release_policy_of(std::string_view text) {
  for (const auto policy : {ReleasePolicy::kManual, ReleasePolicy::kAuto, ReleasePolicy::kGated}) {
    if (text == release_policy_text(policy)) return policy;
  }
  return std::nullopt;
}

namespace internal {

std::string encode_gate(const RunOrder& order) {
  if (order.release != ReleasePolicy::kGated) return {};
  return boost::json::serialize(boost::json::object{{"group", order.gate_group},
                                                    {"least_gain", order.gate.least_gain},
                                                    {"least_devices", order.gate.least_devices},
                                                    {"wait_s", order.gate.wait_s}});
}

bool decode_release(const std::string& policy, const std::string& gate, RunOrder& order) {
  const auto known = release_policy_of(policy);
  if (!known) return false;
  order.release = *known;
  if (*known != ReleasePolicy::kGated) return true;
  boost::system::error_code code;
  const boost::json::value value = boost::json::parse(gate, code);
  const boost::json::object* fields = code ? nullptr : value.if_object();
  if (fields == nullptr) return false;
  const auto count_of = [&](const char* name, std::uint32_t& count) {
    const boost::json::value* field = fields->if_contains(name);
    const std::int64_t* number = field == nullptr ? nullptr : field->if_int64();
    if (number == nullptr || *number < 0 || *number > 0x7fffffff) return false;
    count = static_cast<std::uint32_t>(*number);
    return true;
  };
  const boost::json::value* group = fields->if_contains("group");
  const boost::json::value* gain = fields->if_contains("least_gain");
  if (group == nullptr || !group->is_string() || gain == nullptr || !gain->is_number()) return false;
  order.gate_group = group->get_string();
  order.gate.least_gain = gain->to_number<double>(code);
  return !code && count_of("least_devices", order.gate.least_devices) && count_of("wait_s", order.gate.wait_s);
}

}  // namespace internal
}  // namespace skink::coordinator
