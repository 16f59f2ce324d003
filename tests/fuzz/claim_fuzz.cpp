/// @file
/// Claims on a fleet: any bytes on the claim's topic leave a coordinator that leads or stands by, and say nothing that
/// moves a terminal; a claim of whatever place is read by the other one.

#include <string>
#include <string_view>

#include "harness.hpp"
#include "skink/common/crypto/crypto.hpp"
#include "skink/coordinator/service/lease.hpp"
#include "skink/host/program/printable.hpp"

namespace skink::test {

using coordinator::Lease;

namespace {

/// It connects to a broker that keeps `kept`, and hears what it asked.
void look(Lease& lease, std::string_view kept) {
  const std::string question = lease.on_connected(0);
  if (!kept.empty()) lease.on_message(kept, true, 0);
  lease.on_message(question, false, 0);
  promise(lease.standing() == Lease::Standing::kLeads || lease.standing() == Lease::Standing::kStandby, "it decides");
}

}  // namespace

void fuzz_claim(Bytes input) {
  const std::string_view text(reinterpret_cast<const char*>(input.data()), input.size());
  const std::string place = printable(text.substr(0, 200));
  const crypto::Key key{};
  Lease leader({std::string(32, 'a'), place}, key, "n1");
  Lease second({std::string(32, 'b'), place}, key, "n2");
  Lease stranger({std::string(32, 'c'), "here"}, key, "n3");

  stranger.on_connected(0);
  stranger.on_message(text, false, 0);
  stranger.on_message(text, true, 0);
  stranger.on_time(Lease::kAnswerMs);
  promise(stranger.leads() || stranger.stands_by(), "a broker that does not answer is waited for once");
  promise(printable(stranger.other()) == stranger.other(), "what it says of another one is printable");

  look(leader, {});
  const std::string claim = leader.take_claim();
  promise(leader.leads() && !claim.empty(), "nobody else is there: it leads, and says so");
  look(second, claim);
  promise(second.stands_by() && second.other() == place, "the other one reads it");
  look(leader, second.take_claim());
  promise(leader.leads() && leader.other() == place, "and the first one who wants to lead");
}

}  // namespace skink::test
