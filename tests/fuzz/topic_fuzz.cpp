/// @file
/// A topic that parses is written again as the same name.

#include <cstring>

#include "harness.hpp"
#include "skink/common/wire/topics.hpp"

namespace skink::test {

void fuzz_topic(Bytes input) {
  const Span<const char> name(reinterpret_cast<const char*>(input.data()), input.size());
  wire::Topic topic;
  if (!wire::parse_topic(name, topic)) return;
  promise(wire::is_valid_id(topic.fleet), "the fleet is an id");
  char text[wire::kMaxTopicBytes];
  const std::size_t length = wire::format_topic(topic, text);
  promise(length == name.size(), "the name has its length again");
  for (std::size_t i = 0; i < length; ++i) {
    // Hashes may be read in upper case; they are written in lower case.
    const char lower = name[i] >= 'A' && name[i] <= 'F' ? static_cast<char>(name[i] + 32) : name[i];
    promise(text[i] == name[i] || (wire::is_chunk(topic.kind) && text[i] == lower), "and its characters");
  }
}

}  // namespace skink::test
