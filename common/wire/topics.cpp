#include "skink/common/wire/topics.hpp"

#include <string.h>

#include "skink/common/limits.hpp"

namespace skink::wire {
namespace {

/// Appends to fixed memory; remembers whether it ever ran out.
class Writer {
 public:
  explicit Writer(Span<char> out) noexcept : out_(out) {}
  void add(Span<const char> text) noexcept {
    if (out_.size() - length_ <= text.size()) {
      fits_ = false;
      return;
    }
    memcpy(out_.data() + length_, text.data(), text.size());
    length_ += text.size();
  }
  void add(const char* text) noexcept { add(Span<const char>(text, strlen(text))); }
  void add(uint32_t number) noexcept {
    char digits[10];
    size_t count = 0;
    do {
      digits[sizeof digits - ++count] = static_cast<char>('0' + number % 10);
      number /= 10;
    } while (number != 0);
    add(Span<const char>(digits + sizeof digits - count, count));
  }
  size_t finish() noexcept {
    if (!fits_) return 0;
    out_[length_] = '\0';
    return length_;
  }

 private:
  Span<char> out_;
  size_t length_ = 0;
  bool fits_ = true;
};

bool equals(Span<const char> text, const char* literal) noexcept {
  return text.size() == strlen(literal) && memcmp(text.data(), literal, text.size()) == 0;
}

/// Cuts the next level off `rest`.
Span<const char> next_level(Span<const char>& rest) noexcept {
  size_t length = 0;
  while (length < rest.size() && rest[length] != '/') ++length;
  const Span<const char> level = rest.first(length);
  rest = length < rest.size() ? rest.subspan(length + 1) : rest.subspan(length);
  return level;
}

bool parse_number(Span<const char> text, uint32_t& number) noexcept {
  if (text.empty() || text.size() > 9 || (text.size() > 1 && text[0] == '0')) return false;
  number = 0;
  for (const char c : text) {
    if (c < '0' || c > '9') return false;
    number = number * 10 + static_cast<uint32_t>(c - '0');
  }
  return true;
}

bool parse_kind(Span<const char> text, TopicKind& kind) noexcept {
  if (equals(text, "state"))
    kind = TopicKind::kState;
  else if (equals(text, "task"))
    kind = TopicKind::kTask;
  else if (equals(text, "update"))
    kind = TopicKind::kUpdate;
  else if (equals(text, "reply"))
    kind = TopicKind::kReply;
  else if (equals(text, "patch"))
    kind = TopicKind::kPatch;
  else if (equals(text, "release"))
    kind = TopicKind::kRelease;
  else if (equals(text, "renewal"))
    kind = TopicKind::kRenewal;
  else if (equals(text, "credentials"))
    kind = TopicKind::kCredentials;
  else
    return false;
  return true;
}

const char* kind_text(TopicKind kind) noexcept {
  switch (kind) {
    case TopicKind::kState: return "state";
    case TopicKind::kTask: return "task";
    case TopicKind::kUpdate: return "update";
    case TopicKind::kReply: return "reply";
    case TopicKind::kPatch: return "patch";
    case TopicKind::kRelease: return "release";
    case TopicKind::kRenewal: return "renewal";
    case TopicKind::kCredentials: return "credentials";
    case TopicKind::kModel:
    case TopicKind::kReleaseModel: break;
  }
  return "";
}

}  // namespace

static_assert(limits::kMaxIdBytes == 64, "kIdRule says so");

bool is_valid_id(Span<const char> id) noexcept {
  if (id.empty() || id.size() > limits::kMaxIdBytes) return false;
  for (const char c : id) {
    const bool valid =
        (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' || c == '_' || c == '.';
    if (!valid) return false;
  }
  return true;
}

size_t format_topic(const Topic& topic, Span<char> out) noexcept {
  if (out.empty()) return 0;
  Writer writer(out);
  writer.add("skink/1/");
  writer.add(topic.fleet);
  if (is_chunk(topic.kind)) {
    writer.add(topic.kind == TopicKind::kModel ? "/model/" : "/release/");
    writer.add(topic.slot);
    writer.add("/");
    if (topic.chunk == kAllChunks) {
      writer.add("+");
    } else {
      writer.add(topic.chunk);
    }
  } else {
    writer.add("/dev/");
    writer.add(topic.device_id);
    writer.add("/");
    writer.add(kind_text(topic.kind));
  }
  return writer.finish();
}

bool parse_topic(Span<const char> name, Topic& topic) noexcept {
  Span<const char> rest = name;
  if (!equals(next_level(rest), "skink") || !equals(next_level(rest), "1")) return false;
  Topic parsed;
  parsed.fleet = next_level(rest);
  if (!is_valid_id(parsed.fleet)) return false;
  const Span<const char> branch = next_level(rest);
  const Span<const char> third = next_level(rest);
  const Span<const char> last = rest;  // whatever is left, so that a further '/' is refused below
  if (equals(branch, "dev")) {
    parsed.device_id = third;
    if (!is_valid_id(third) || !parse_kind(last, parsed.kind)) return false;
  } else if (equals(branch, "model") || equals(branch, "release")) {
    parsed.kind = equals(branch, "model") ? TopicKind::kModel : TopicKind::kReleaseModel;
    if (!parse_number(third, parsed.slot) || parsed.slot >= kModelSlots) return false;
    if (!parse_number(last, parsed.chunk)) return false;
  } else {
    return false;
  }
  topic = parsed;
  return true;
}

}  // namespace skink::wire
