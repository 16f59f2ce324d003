#include "skink/coordinator/core/update_assembly.hpp"

#include <catch2/catch.hpp>

using namespace skink;
using coordinator::UpdateAssembly;

TEST_CASE("update assembly: a chunk behind a gap is asked about once, and again when its client begins anew",
          "[coordinator]") {
  UpdateAssembly assembly;
  wire::Update update;
  update.chunk_count = 100;
  update.total_bytes = 100;
  const std::uint8_t byte[1] = {7};
  std::size_t resends = 0;
  std::size_t sent = 0;
  bool is_complete = false;
  // A client that has all chunks under way, loses one in ten the first time, and obeys each RESEND at once.
  for (std::uint32_t chunk = 0; chunk < 100 && !is_complete; ++chunk) {
    if (++sent % 10 == 0 && sent < 100) continue;
    update.chunk = chunk;
    update.offset = chunk;
    const UpdateAssembly::Step step = assembly.take(update, Bytes(byte), 100);
    REQUIRE(step != UpdateAssembly::Step::kWrongShape);
    resends += step == UpdateAssembly::Step::kResend ? 1U : 0U;
    is_complete = step == UpdateAssembly::Step::kComplete;
    if (chunk == 99 && !is_complete) chunk = assembly.next_chunk() - 1;
  }
  CHECK(is_complete);
  CHECK(assembly.bytes().size() == 100);
  CHECK(resends <= 10);
}
