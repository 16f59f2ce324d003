/// @file
/// Two coordinators, one broker that keeps one message and lets one client in at a time.

#include "skink/coordinator/service/lease.hpp"

#include <catch2/catch.hpp>
#include <string>

using skink::coordinator::Claimant;
using skink::coordinator::Lease;

namespace {

const std::string kIdA(32, 'a');
const std::string kIdB(32, 'b');

/// What the broker keeps on the claim's topic.
struct Kept {
  std::string text;

  /// One connection: from the question to what comes of it.
  void meet(Lease& lease, std::uint64_t now_ms) {
    const std::string question = lease.on_connected(now_ms);
    if (!text.empty()) lease.on_message(text, true, now_ms);
    lease.on_message(question, false, now_ms);
    const std::string claim = lease.take_claim();
    if (!claim.empty()) text = claim;
  }
};

const skink::crypto::Key kKey{{1, 2, 3}};

Lease of(const std::string& id, const std::string& where) { return {Claimant{id, where}, kKey, "nonce of " + where}; }

}  // namespace

TEST_CASE("lease: who finds none leads, and leads again after each connection and restart", "[coordinator][lease]") {
  Kept kept;
  Lease lease = of(kIdA, "gateway:/a");
  kept.meet(lease, 0);
  CHECK(lease.leads());
  const std::string first = kept.text;
  lease.on_disconnected();
  CHECK_FALSE(lease.leads());
  kept.meet(lease, 10);
  CHECK(lease.leads());
  CHECK(kept.text != first);  // renewed
  Lease restarted = of(kIdA, "gateway:/a");
  kept.meet(restarted, 20);
  CHECK(restarted.leads());
  CHECK(restarted.other().empty());
}

TEST_CASE("lease: a second one stands by as long as the first one comes back", "[coordinator][lease]") {
  Kept kept;
  Lease first = of(kIdA, "gateway:/a");
  Lease second = of(kIdB, "copy:/b");
  kept.meet(first, 0);
  std::uint64_t now = 0;
  std::uint64_t waited = 0;
  for (int look = 0; look < 8; ++look) {
    first.on_disconnected();  // the broker lets one in
    kept.meet(second, now);
    CHECK(second.standing() == Lease::Standing::kStandby);
    CHECK(second.stands_by());
    CHECK(second.other() == "gateway:/a");
    kept.meet(first, now + 100);
    CHECK(first.leads());
    CHECK(first.other() == "copy:/b");
    const std::uint64_t from = now;
    while (!second.is_look_due(now)) now += 1000;
    waited = now - from;
    second.begin_look();
  }
  CHECK(waited == Lease::kLongestLookMs);
  // It ends by itself; the one that stands by waits a while to be sure.
  kept.text.clear();
  kept.meet(second, now);
  CHECK(second.standing() == Lease::Standing::kStandby);
  CHECK(second.is_look_due(now + Lease::kFirstLookMs));
  second.begin_look();
  kept.meet(second, now + Lease::kFirstLookMs);
  CHECK(second.leads());
  CHECK_FALSE(second.stands_by());
}

TEST_CASE("lease: the claim of one that is dead is taken over at the second look", "[coordinator][lease]") {
  Kept kept;
  Lease dead = of(kIdA, "gateway:/a");
  kept.meet(dead, 0);
  Lease next = of(kIdB, "new:/b");
  kept.meet(next, 0);
  CHECK(next.standing() == Lease::Standing::kStandby);
  CHECK_FALSE(next.is_look_due(Lease::kFirstLookMs - 1));
  REQUIRE(next.is_look_due(Lease::kFirstLookMs));
  next.begin_look();
  kept.meet(next, Lease::kFirstLookMs);
  CHECK(next.leads());
  Lease again = of(kIdA, "gateway:/a");  // it was not dead: now it is the second one
  next.on_disconnected();
  kept.meet(again, 20000);
  CHECK(again.standing() == Lease::Standing::kStandby);
  kept.meet(next, 20100);
  CHECK(next.leads());
}

TEST_CASE("lease: a broker that forgot all does not make the one that stands by lead", "[coordinator][lease]") {
  Kept kept;
  Lease first = of(kIdA, "gateway:/a");
  Lease second = of(kIdB, "copy:/b");
  kept.meet(first, 0);
  first.on_disconnected();
  kept.meet(second, 0);
  kept.meet(first, 100);
  kept.text.clear();  // it was restarted, and keeps nothing over that
  first.on_disconnected();
  second.begin_look();
  kept.meet(second, 15000);
  CHECK(second.standing() == Lease::Standing::kStandby);
  kept.meet(first, 15100);
  CHECK(first.leads());
  second.begin_look();
  kept.meet(second, 30000);
  CHECK(second.standing() == Lease::Standing::kStandby);
}

TEST_CASE("lease: where nothing comes back it leads after a while, and says so", "[coordinator][lease]") {
  Lease lease = of(kIdA, "gateway:/a");
  (void)lease.on_connected(1000);
  lease.on_time(1000 + Lease::kAnswerMs - 1);
  CHECK_FALSE(lease.leads());
  lease.on_time(1000 + Lease::kAnswerMs);
  CHECK(lease.leads());
  CHECK(lease.is_unanswered());
}

TEST_CASE("lease: what is no claim of ours is none", "[coordinator][lease]") {
  const std::string id = "\"holder\":\"" + kIdB + "\"";
  for (const std::string& text :
       {std::string("{"), std::string("[]"), std::string("{}"), "{" + id + "}", "{" + id + R"(,"where":"x"})",
        "{" + id + R"(,"where":"x","count":-1})", "{" + id + R"(,"where":"x","count":9223372036854775807})",
        "{" + id + R"(,"where":7,"count":1})", std::string(R"({"holder":"b","where":"x","count":1})"),
        "{" + id + R"(,"count":1,"where":")" + std::string(4000, 'x') + "\"}", std::string(100000, '[')}) {
    INFO(text.substr(0, 100));
    Kept kept{text};
    Lease lease = of(kIdA, "gateway:/a");
    kept.meet(lease, 0);
    CHECK(lease.leads());
  }
  // Somebody else's question is not ours.
  Lease lease = of(kIdA, "gateway:/a");
  (void)lease.on_connected(0);
  lease.on_message(R"({"asks":"nonce of another"})", false, 1);
  CHECK(lease.standing() == Lease::Standing::kAsking);
}

TEST_CASE("lease: a claim of somebody without the fleet's master key is none", "[coordinator][lease]") {
  Kept kept;
  Lease forger(Claimant{kIdB, "device:/b"}, skink::crypto::Key{{9}}, "nonce");
  kept.meet(forger, 0);
  REQUIRE_FALSE(kept.text.empty());
  Lease lease = of(kIdA, "gateway:/a");
  kept.meet(lease, 0);
  CHECK(lease.leads());
  CHECK(lease.other().empty());
  // Nor one whose text was changed on the way.
  Kept changed;
  Lease other = of(kIdB, "copy:/b");
  changed.meet(other, 0);
  changed.text.replace(changed.text.find("copy:/b"), 7, "copy:/c");
  Lease next = of(kIdA, "gateway:/a");
  changed.meet(next, 0);
  CHECK(next.leads());
}

TEST_CASE("lease: what another one calls itself moves no terminal", "[coordinator][lease]") {
  Kept kept;
  Lease other = of(kIdB, "\x1b[2Jx");
  kept.meet(other, 0);
  Lease lease = of(kIdA, "gateway:/a");
  kept.meet(lease, 0);
  CHECK(lease.other().find('\x1b') == std::string::npos);
}

TEST_CASE("lease: a claimant is who keeps the state, wherever it was started from", "[coordinator][lease]") {
  const Claimant one = skink::coordinator::claimant_of("/var/lib/skink/a");
  CHECK(one.id.size() == 32);
  CHECK(one.id == skink::coordinator::claimant_of("/var/lib/skink/../skink/a").id);
  CHECK(one.id != skink::coordinator::claimant_of("/var/lib/skink/b").id);
  CHECK(one.where.find(":/var/lib/skink/a") != std::string::npos);
}

TEST_CASE("lease: a claim of any path can be read again", "[coordinator][lease]") {
  for (const std::string& path :
       {"/" + std::string(4000, 'x'), std::string("/a\xff\xfe\n"), "/" + std::string(300, '\xff')}) {
    Kept kept;
    Lease first(skink::coordinator::claimant_of(path), kKey, "nonce");
    kept.meet(first, 0);
    REQUIRE(first.leads());
    Lease second = of(kIdB, "copy:/b");
    kept.meet(second, 0);
    CHECK(second.standing() == Lease::Standing::kStandby);
  }
}
