#include "skink/coordinator/service/stranger_watch.hpp"

namespace skink::coordinator {
namespace {

constexpr std::uint64_t kSilenceMs = 3'600'000;
constexpr std::size_t kMostStrangers = 1000;

/// Empty: that is no reason to refuse a birth for, or one that an operator has given.
const char* remedy_of(wire::Refusal reason) {
  switch (reason) {
    case wire::Refusal::kWrongAuthentication:
      return "its key is not of this fleet: was it provisioned with another master key, or for another fleet's name?";
    case wire::Refusal::kVersionMismatch:
      return "its firmware speaks another version of the protocol: update it, or the coordinator";
    case wire::Refusal::kMalformed: return "its birth cannot be read: is its program broken?";
    default: return "";
  }
}

}  // namespace

void StrangerWatch::on_birth(std::string_view id, const RefusalCounts& before, const RefusalCounts& after,
                             std::uint64_t now_ms) {
  for (std::size_t i = 0; i < after.size(); ++i) {
    const auto reason = static_cast<wire::Refusal>(i);
    if (after[i] == before[i] || *remedy_of(reason) == '\0') continue;
    const auto said = said_ms_.find(id);
    if (said == said_ms_.end() && said_ms_.size() == kMostStrangers) continue;
    if (said != said_ms_.end() && now_ms - said->second < kSilenceMs) continue;
    said_ms_[std::string(id)] = now_ms;
    strangers_.push_back({std::string(id), reason});
  }
}

std::string stranger_text(const Stranger& stranger) {
  return stranger.id + ": its birth is refused, " + wire::refusal_text(stranger.reason) + ": " +
         remedy_of(stranger.reason);
}

}  // namespace skink::coordinator
