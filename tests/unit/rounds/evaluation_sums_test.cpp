#include "skink/rounds/evaluation_sums.hpp"

#include <catch2/catch.hpp>

using namespace skink;

TEST_CASE("evaluation sums: no legal setting wraps them, and losses saturate", "[rounds][evaluation]") {
  wire::Evaluation part{};
  part.tasks = 1'000'000;
  part.query_samples = std::uint64_t{1'000'000} * 65535;  // above 2^32
  part.correct_after = part.query_samples;
  part.loss_after = std::uint64_t{3} << 62;
  wire::Evaluation total{};
  rounds::add(part, total);
  rounds::add(part, total);
  CHECK(total.tasks == 2'000'000);
  CHECK(total.query_samples == std::uint64_t{2'000'000} * 65535);
  CHECK(total.correct_after == total.query_samples);
  CHECK(total.loss_after == ~std::uint64_t{0});
}

TEST_CASE("evaluation sums: words of several ranks add up to the sums, saturating", "[rounds][evaluation]") {
  wire::Evaluation part{};
  part.tasks = 7;
  part.loss_before = 0xffffffff12345678;
  part.loss_after = 0x0000000fffffffff;
  std::vector<std::int64_t> words = rounds::to_words(part);
  CHECK(rounds::from_words(words).loss_before == part.loss_before);
  const std::vector<std::int64_t> one = words;
  for (int rank = 1; rank < 3; ++rank) {
    for (std::size_t i = 0; i < words.size(); ++i) words[i] += one[i];
  }
  const wire::Evaluation total = rounds::from_words(words);
  CHECK(total.tasks == 21);
  CHECK(total.loss_before == ~std::uint64_t{0});
  CHECK(total.loss_after == 3 * part.loss_after);
}
