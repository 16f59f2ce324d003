#include "skink/common/wire/topics.hpp"

#include <catch2/catch.hpp>
#include <string>
#include <vector>

using namespace skink;
using wire::Topic;
using wire::TopicKind;

namespace {

Span<const char> view(const std::string& text) { return {text.data(), text.size()}; }
std::string text_of(Span<const char> span) { return {span.data(), span.size()}; }

std::string format(const Topic& topic, std::size_t room = wire::kMaxTopicBytes) {
  std::vector<char> out(room, '#');
  const std::size_t length = wire::format_topic(topic, {out.data(), out.size()});
  if (length != 0) REQUIRE(out[length] == '\0');
  return {out.data(), length};
}

bool parses(const std::string& name) {
  Topic topic;
  return wire::parse_topic(view(name), topic);
}

}  // namespace

TEST_CASE("topics: every device topic comes back", "[common][wire][topics]") {
  const auto kind = GENERATE(TopicKind::kState, TopicKind::kTask, TopicKind::kUpdate, TopicKind::kReply,
                             TopicKind::kPatch, TopicKind::kRelease);
  const std::string fleet = GENERATE(std::string("f"), std::string("Plant_7.a-B"), std::string(64, 'z'));
  const std::string id = GENERATE(std::string("0"), std::string("..."), std::string(64, 'Q'));
  Topic topic;
  topic.kind = kind;
  topic.fleet = view(fleet);
  topic.device_id = view(id);
  const std::string name = format(topic);
  Topic parsed;
  REQUIRE(wire::parse_topic(view(name), parsed));
  CHECK(parsed.kind == kind);
  CHECK(text_of(parsed.fleet) == fleet);
  CHECK(text_of(parsed.device_id) == id);
}

TEST_CASE("topics: names are those of the protocol", "[common][wire][topics]") {
  const std::string fleet = "home";
  const std::string id = "d-1";
  Topic topic;
  topic.fleet = view(fleet);
  topic.device_id = view(id);
  CHECK(format(topic) == "skink/1/home/dev/d-1/state");
  topic.kind = TopicKind::kReply;
  CHECK(format(topic) == "skink/1/home/dev/d-1/reply");
  topic.kind = TopicKind::kModel;
  topic.slot = 1;
  topic.chunk = 120;
  CHECK(format(topic) == "skink/1/home/model/1/120");
  topic.chunk = wire::kAllChunks;
  CHECK(format(topic) == "skink/1/home/model/1/+");
  topic.kind = TopicKind::kReleaseModel;
  CHECK(format(topic) == "skink/1/home/release/1/+");
  topic.kind = TopicKind::kRelease;
  CHECK(format(topic) == "skink/1/home/dev/d-1/release");
}

TEST_CASE("topics: model chunks come back", "[common][wire][topics]") {
  const std::string fleet = "home";
  Topic topic;
  topic.kind = GENERATE(TopicKind::kModel, TopicKind::kReleaseModel);
  topic.fleet = view(fleet);
  topic.slot = GENERATE(0U, 1U);
  topic.chunk = GENERATE(0U, 1U, 9U, 10U, 1023U, 65535U, 999999999U);
  const std::string name = format(topic);
  Topic parsed;
  REQUIRE(wire::parse_topic(view(name), parsed));
  CHECK(parsed.kind == topic.kind);
  CHECK(parsed.slot == topic.slot);
  CHECK(parsed.chunk == topic.chunk);
}

TEST_CASE("topics: a name that does not fit is not written", "[common][wire][topics]") {
  const std::string fleet = "home";
  const std::string id = "d-1";
  Topic topic;
  topic.fleet = view(fleet);
  topic.device_id = view(id);
  const std::size_t length = format(topic).size();
  CHECK(format(topic, length + 1).size() == length);
  for (std::size_t room = 1; room <= length; ++room) CHECK(format(topic, room).empty());
  CHECK(wire::format_topic(topic, {}) == 0);
}

TEST_CASE("topics: what is not exactly one of ours is refused", "[common][wire][topics]") {
  REQUIRE(parses("skink/1/home/dev/d-1/task"));
  const std::string name =
      GENERATE("", "/", "skink", "skink/1", "skink/1/home", "skink/1/home/dev", "skink/1/home/dev/d-1",
               "skink/1/home/dev/d-1/", "skink/1/home/dev//task", "skink/1//dev/d-1/task", "/skink/1/home/dev/d-1/task",
               "skink/1/home/dev/d-1/task/", "skink/1/home/dev/d-1/task/x", "skink/1/home/dev/d-1/Task",
               "skink/1/home/dev/d-1/tas", "skink/1/home/dev/d-1/tasks", "skink/2/home/dev/d-1/task",
               "skink/01/home/dev/d-1/task", "Skink/1/home/dev/d-1/task", "skink/1/home/devs/d-1/task",
               "skink/1/+/dev/d-1/task", "skink/1/home/dev/+/task", "skink/1/home/dev/d-1/+", "skink/1/home/dev/#",
               "skink/1/home/dev/d 1/task", "skink/1/home/dev/d\xc3\xa9/task", "skink/1/ho$me/dev/d-1/task");
  CAPTURE(name);
  CHECK_FALSE(parses(name));
}

TEST_CASE("topics: ids are 1 to 64 of the allowed characters", "[common][wire][topics]") {
  CHECK_FALSE(parses("skink/1/" + std::string(65, 'f') + "/dev/d/task"));
  CHECK_FALSE(parses("skink/1/f/dev/" + std::string(65, 'd') + "/task"));
  CHECK_FALSE(parses(std::string("skink/1/f/dev/d\0/task", 21)));
  for (int c = 0; c < 256; ++c) {
    const std::string id(1, static_cast<char>(c));
    const bool allowed =
        (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || c == '-' || c == '_' || c == '.';
    if (wire::is_valid_id(view(id)) != allowed) FAIL("character " << c);
  }
}

TEST_CASE("topics: model names with another slot or chunk are refused", "[common][wire][topics]") {
  const std::string model = GENERATE("skink/1/home/model/", "skink/1/home/release/");
  REQUIRE(parses(model + "1/0"));
  for (const char* chunk : {"", "+", "#", "-1", "00", "01", "1 ", " 1", "1x", "x", "0x1", "1/", "1/2", "4294967295",
                            "4294967296", "99999999999999999999"}) {
    CAPTURE(chunk);
    CHECK_FALSE(parses(model + "1/" + chunk));
  }
  CHECK_FALSE(parses(model + "1"));
  for (const char* slot : {"", "2", "00", "-1", "4294967296", "a"}) {
    CAPTURE(slot);
    CHECK_FALSE(parses(model + slot + "/0"));
  }
  CHECK_FALSE(parses(model + "+/0"));
}

TEST_CASE("topics: a refused name leaves the topic untouched", "[common][wire][topics]") {
  Topic topic;
  topic.kind = TopicKind::kReply;
  topic.chunk = 5;
  const std::string name = std::string("skink/1/home/model/1/x");
  REQUIRE_FALSE(wire::parse_topic(view(name), topic));
  CHECK(topic.kind == TopicKind::kReply);
  CHECK(topic.chunk == 5);
}
