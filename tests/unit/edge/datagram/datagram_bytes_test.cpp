#include <catch2/catch.hpp>
#include <cstring>
#include <vector>

#include "skink/edge/datagram/datagram.hpp"
#include "skink/edge/datagram/datagram_config.hpp"

using namespace skink;
using namespace skink::edge::datagram;

namespace {

using Content = std::vector<std::uint8_t>;

Content written(const Datagram& datagram) {
  Content out(SKINK_DATAGRAM_BYTES);
  out.resize(write(datagram, {out.data(), out.size()}));
  return out;
}

Status status_of(const Content& content) {
  Datagram datagram;
  return parse({content.data(), content.size()}, datagram);
}

Datagram piece_of_chunk(Bytes piece) {
  Datagram datagram;
  datagram.kind = Kind::kPiece;
  datagram.session = 0x1234;
  datagram.number = 0x0201;
  datagram.total = 4104;
  datagram.offset = 0x0010;
  datagram.address = {Operation::kPublish, wire::TopicKind::kModel, 1, 51, true};
  datagram.piece = piece;
  return datagram;
}

}  // namespace

// These are the examples of docs/datagram.md.
TEST_CASE("datagram: as bytes", "[edge][datagram]") {
  Datagram datagram;
  datagram.session = 0x1234;
  datagram.keep_alive_s = 120;
  CHECK(written(datagram) == Content{0x11, 0, 0x34, 0x12, 120, 0});
  datagram.kind = Kind::kWelcome;
  CHECK(written(datagram) == Content{0x12, 0, 0x34, 0x12});
  const std::uint8_t bytes[] = {0xaa, 0xbb};
  CHECK(written(piece_of_chunk(bytes)) ==
        Content{0x13, 0x95, 0x34, 0x12, 1, 2, 0x08, 0x10, 0x10, 0, 51, 0, 0, 0, 0xaa, 0xbb});
  datagram = Datagram();
  datagram.kind = Kind::kPiece;
  datagram.session = 0x1234;
  datagram.number = 3;
  datagram.address.operation = Operation::kSubscribe;
  datagram.address.topic = wire::TopicKind::kTask;
  CHECK(written(datagram) == Content{0x13, 0x21, 0x34, 0x12, 3, 0, 0, 0, 0, 0});
  datagram = Datagram();
  datagram.kind = Kind::kAck;
  datagram.session = 0x1234;
  datagram.number = 3;
  datagram.offset = 1170;
  datagram.is_complete = true;
  CHECK(written(datagram) == Content{0x14, 1, 0x34, 0x12, 3, 0, 0x92, 0x04});
  datagram.kind = Kind::kPoll;
  datagram.sleep_s = 3600;
  CHECK(written(datagram) == Content{0x15, 0, 0x34, 0x12, 3, 0, 0x10, 0x0e, 0, 0});
  datagram.kind = Kind::kPong;
  datagram.is_empty = true;
  CHECK(written(datagram) == Content{0x16, 1, 0x34, 0x12, 3, 0});
  datagram.kind = Kind::kBye;
  datagram.reason = Reason::kBrokerLost;
  CHECK(written(datagram) == Content{0x17, 3, 0x34, 0x12});
}

TEST_CASE("datagram: what was written is read back", "[edge][datagram]") {
  const std::uint8_t bytes[] = {1, 2, 3};
  const Content content = written(piece_of_chunk(bytes));
  Datagram read;
  REQUIRE(parse({content.data(), content.size()}, read) == Status::kOk);
  CHECK(read.kind == Kind::kPiece);
  CHECK(read.session == 0x1234);
  CHECK(read.number == 0x0201);
  CHECK(read.total == 4104);
  CHECK(read.offset == 16);
  CHECK(read.address == piece_of_chunk({}).address);
  REQUIRE(read.piece.size() == 3);
  CHECK(read.piece[2] == 3);
}

TEST_CASE("datagram: what is none is refused", "[edge][datagram]") {
  CHECK(status_of({}) == Status::kTruncated);
  CHECK(status_of({0x11, 0, 1}) == Status::kTruncated);
  CHECK(status_of({0x21, 0, 1, 0, 0, 0}) == Status::kUnsupported);  // another version
  CHECK(status_of({0x18, 0, 1, 0, 0, 0}) == Status::kUnsupported);  // another kind
  CHECK(status_of({0x10, 0, 1, 0, 0, 0}) == Status::kUnsupported);
  CHECK(status_of({0x11, 0, 1, 0, 0}) == Status::kTruncated);
  CHECK(status_of({0x11, 0, 1, 0, 0, 0, 0}) == Status::kDamaged);                 // a byte too many
  CHECK(status_of({0x11, 0, 0, 0, 0, 0}) == Status::kDamaged);                    // session 0
  CHECK(status_of({0x15, 0, 1, 0, 1, 0, 0x81, 0x3a, 9, 0}) == Status::kDamaged);  // sleeps longer than a week
  CHECK(status_of({0x15, 0, 1, 0, 1, 0, 0x80, 0x3a, 9, 0}) == Status::kOk);

  CHECK(status_of({0x13, 0, 1, 0, 1, 0, 2, 0, 0, 0, 7, 8}) == Status::kOk);
  CHECK(status_of({0x13, 0, 1, 0, 1, 0, 2, 0, 1, 0, 7, 8}) == Status::kDamaged);  // beyond the message
  CHECK(status_of({0x13, 0, 1, 0, 1, 0, 2, 0, 3, 0}) == Status::kDamaged);        // begins behind it
  CHECK(status_of({0x13, 0, 1, 0, 1, 0, 2, 0, 2, 0}) == Status::kOk);             // asks
  CHECK(status_of({0x13, 0x08, 1, 0, 1, 0, 0, 0, 0, 0}) == Status::kDamaged);     // an unused bit
  CHECK(status_of({0x13, 0x60, 1, 0, 1, 0, 0, 0, 0, 0}) == Status::kDamaged);     // no such operation
  CHECK(status_of({0x13, 0x10, 1, 0, 1, 0, 0, 0, 0, 0}) == Status::kDamaged);     // a slot of a topic that has none
  CHECK(status_of({0x13, 0x21, 1, 0, 1, 0, 1, 0, 0, 0, 9}) == Status::kDamaged);  // a subscription with a payload
  CHECK(status_of({0x13, 0xa1, 1, 0, 1, 0, 0, 0, 0, 0}) == Status::kDamaged);     // or one that is retained
  CHECK(status_of({0x13, 0x05, 1, 0, 1, 0, 0, 0, 0, 0}) == Status::kTruncated);   // a chunk without its number
  CHECK(status_of({0x13, 0x05, 1, 0, 1, 0, 0, 0, 0, 0, 0xff, 0xff, 0xff, 0xff}) == Status::kDamaged);
  CHECK(status_of({0x13, 0x25, 1, 0, 1, 0, 0, 0, 0, 0, 0xff, 0xff, 0xff, 0xff}) == Status::kOk);  // all chunks
  Datagram read;
  const Content bye{0x17, 77, 1, 0};
  REQUIRE(parse({bye.data(), bye.size()}, read) == Status::kOk);
  CHECK(read.reason == Reason::kProtocol);
}

TEST_CASE("datagram: one that does not fit is not written", "[edge][datagram]") {
  const std::uint8_t bytes[] = {1, 2, 3};
  Content out(16, 0x55);
  CHECK(write(piece_of_chunk(bytes), {out.data(), out.size()}) == 0);
  CHECK(out == Content(16, 0x55));
  out.resize(17);
  CHECK(write(piece_of_chunk(bytes), {out.data(), out.size()}) == 17);
}
