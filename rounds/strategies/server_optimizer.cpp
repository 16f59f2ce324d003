#include "server_optimizer.hpp"

#include <algorithm>
#include <cmath>
#include <cstring>

#include "skink/common/little_endian.hpp"
#include "skink/host/experiment/strategies.hpp"

namespace skink::rounds::internal {
namespace {

constexpr std::size_t kDoubleBytes = 8;

}  // namespace

std::vector<std::uint8_t> ServerOptimizer::head() const {
  const std::string_view name = traits_of(config().strategy).name;
  std::vector<std::uint8_t> bytes;
  bytes.reserve(2 + name.size());
  bytes.push_back(version());
  bytes.push_back(static_cast<std::uint8_t>(name.size()));
  for (const char c : name) bytes.push_back(static_cast<std::uint8_t>(c));
  return bytes;
}

std::vector<std::uint8_t> ServerOptimizer::save(const StrategyState& state) const {
  std::vector<std::uint8_t> bytes = head();
  std::size_t place = bytes.size();
  bytes.resize(place + state.size() * kDoubleBytes);
  for (const double number : state) {
    std::uint64_t bits = 0;
    std::memcpy(&bits, &number, sizeof bits);
    store_u64(bytes.data() + place, bits);
    place += kDoubleBytes;
  }
  return bytes;
}

bool ServerOptimizer::restore(Span<const std::uint8_t> bytes, StrategyState& state) const {
  const std::vector<std::uint8_t> expected = head();
  if (bytes.size() != expected.size() + state.size() * kDoubleBytes) return false;
  if (!std::equal(expected.begin(), expected.end(), bytes.begin())) return false;
  StrategyState numbers(state.size());
  for (std::size_t i = 0; i < numbers.size(); ++i) {
    const std::uint64_t bits = load_u64(bytes.data() + expected.size() + i * kDoubleBytes);
    std::memcpy(&numbers[i], &bits, sizeof bits);
    if (!std::isfinite(numbers[i])) return false;
  }
  state = std::move(numbers);
  return true;
}

}  // namespace skink::rounds::internal
