#include "skink/edge/model_message.hpp"

#include <algorithm>
#include <catch2/catch.hpp>
#include <vector>

#include "skink/common/little_endian.hpp"

using namespace skink;
using edge::ModelMessage;
using edge::ModelPiece;

namespace {

constexpr std::uint64_t kModel = 0x0123456789abcdef;

std::vector<std::uint8_t> message_of(std::uint64_t model, std::size_t chunk_bytes) {
  std::vector<std::uint8_t> message(wire::kModelHeadBytes + chunk_bytes);
  store_u64(message.data(), model);
  for (std::size_t i = 0; i < chunk_bytes; ++i) message[wire::kModelHeadBytes + i] = static_cast<std::uint8_t>(3 * i);
  return message;
}

/// The chunk, put together from what pieces of `step` bytes give.
std::vector<std::uint8_t> taken(ModelMessage& reader, const std::vector<std::uint8_t>& message, std::size_t step,
                                std::uint64_t model) {
  std::vector<std::uint8_t> chunk;
  for (std::size_t at = 0; at < message.size(); at += step) {
    ModelPiece piece;
    Bytes content;
    const Bytes bytes(message.data() + at, std::min(step, message.size() - at));
    if (!reader.take(7, static_cast<std::uint32_t>(at), static_cast<std::uint32_t>(message.size()), bytes, piece,
                     content)) {
      continue;
    }
    CHECK(piece.model == model);
    CHECK(piece.chunk == 7);
    CHECK(piece.offset == chunk.size());
    CHECK(piece.chunk_bytes == message.size() - wire::kModelHeadBytes);
    CHECK(piece.piece_bytes == content.size());
    chunk.insert(chunk.end(), content.begin(), content.end());
  }
  return chunk;
}

}  // namespace

TEST_CASE("model message: however it is cut, the chunk and its model come out", "[edge][model]") {
  const std::size_t step = GENERATE(1U, 3U, 7U, 8U, 9U, 15U, 1000U);
  ModelMessage reader;
  for (const std::uint64_t model : {kModel, ~kModel}) {  // the second head is another one
    const std::vector<std::uint8_t> message = message_of(model, 100);
    CHECK(taken(reader, message, step, model) ==
          std::vector<std::uint8_t>(message.begin() + wire::kModelHeadBytes, message.end()));
  }
}

TEST_CASE("model message: what has no more than a head has no chunk", "[edge][model]") {
  ModelMessage reader;
  const std::vector<std::uint8_t> message = message_of(kModel, 0);
  for (std::uint32_t length = 0; length <= message.size(); ++length) {
    ModelPiece piece;
    Bytes content;
    CHECK_FALSE(reader.take(0, 0, length, Bytes(message.data(), length), piece, content));
  }
  const std::uint8_t byte[1] = {};
  ModelPiece piece;
  Bytes content;
  CHECK_FALSE(reader.take(0, 8, 3, Bytes(byte), piece, content));  // a length that contradicts the offset
}
