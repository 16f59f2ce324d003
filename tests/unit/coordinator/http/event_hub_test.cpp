/// @file
/// The ring of events, without a server.

#include "skink/coordinator/http/event_hub.hpp"

#include <atomic>
#include <catch2/catch.hpp>
#include <thread>

using namespace skink;
using namespace skink::coordinator::http;

namespace {

std::vector<std::uint64_t> ids(const EventHub::Batch& batch) {
  std::vector<std::uint64_t> all;
  for (const auto& event : batch.events) all.push_back(event->id);
  return all;
}

}  // namespace

TEST_CASE("event hub: ids ascend, and the oldest leave first", "[coordinator][http][events]") {
  EventHub hub({.ring_events = 3, .first_id = 100});
  CHECK(hub.newest() == 99);
  CHECK(hub.read(99, {}, 10).events.empty());
  CHECK_FALSE(hub.read(99, {}, 10).has_gap);
  for (int i = 0; i < 5; ++i) REQUIRE(hub.publish("a", std::to_string(i)).has_value());
  CHECK(hub.newest() == 104);
  const EventHub::Batch all = hub.read(101, {}, 10);
  CHECK(ids(all) == std::vector<std::uint64_t>{102, 103, 104});
  CHECK((all.oldest == 102 && all.newest == 104 && all.next_after == 104 && !all.has_gap));
  CHECK(hub.read(100, {}, 10).has_gap);
  CHECK(hub.read(105, {}, 10).has_gap);
  CHECK(ids(hub.read(101, {}, 2)) == std::vector<std::uint64_t>{102, 103});
}

TEST_CASE("event hub: bounded in bytes too", "[coordinator][http][events]") {
  EventHub hub({.ring_bytes = 1000, .event_bytes = 600});
  for (int i = 0; i < 10; ++i) REQUIRE(hub.publish("a", std::string(400, 'x')).has_value());
  CHECK(hub.read(0, {}, 100).events.size() == 2);
  const auto large = hub.publish("a", std::string(601, 'x'));
  REQUIRE_FALSE(large.has_value());
  CHECK(large.error().code == Status::kBufferTooSmall);
  for (const char* type : {"", "A", "a b", "a\n", "a\"b"}) {
    const auto wrong = hub.publish(type, "{}");
    REQUIRE_FALSE(wrong.has_value());
    CHECK(wrong.error().code == Status::kInvalidArgument);
  }
  CHECK_FALSE(hub.publish(std::string(65, 'a'), "{}").has_value());
  CHECK(hub.newest() == 10);
}

TEST_CASE("event hub: a filter that leaves much out is read in steps", "[coordinator][http][events]") {
  EventHub hub;
  for (int i = 0; i < 2000; ++i) REQUIRE(hub.publish(i == 1999 ? "rare" : "usual", "{}").has_value());
  const EventHub::Batch first = hub.read(0, {"rare"}, 10);
  CHECK(first.events.empty());
  CHECK(first.next_after == 512);
  CHECK(ids(hub.read(1536, {"rare"}, 10)) == std::vector<std::uint64_t>{2000});
}

TEST_CASE("event hub: many publishers, readers that come and go", "[coordinator][http][events]") {
  EventHub hub({.ring_events = 100});
  std::atomic<int> woken = 0;
  std::vector<std::thread> threads;
  threads.reserve(3);
  for (int t = 0; t < 3; ++t) {
    threads.emplace_back([&] {
      for (int i = 0; i < 2000; ++i) {
        if (!hub.publish("a", "{}")) std::abort();
      }
    });
  }
  std::uint64_t after = 0;
  for (int i = 0; i < 2000; ++i) {
    const EventHub::Subscription subscription = hub.subscribe([&] { ++woken; });
    const EventHub::Batch batch = hub.read(after, {}, 10);
    if (!batch.events.empty()) CHECK(batch.events.back()->id == batch.next_after);
    after = batch.next_after;
  }
  for (std::thread& thread : threads) thread.join();
  CHECK(hub.newest() == 6000);
  const int now = woken;
  {
    EventHub::Subscription kept = hub.subscribe([&] { ++woken; });
  }
  REQUIRE(hub.publish("a", "{}").has_value());
  CHECK(woken == now);
}
