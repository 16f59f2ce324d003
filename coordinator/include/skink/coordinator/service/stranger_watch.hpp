#pragma once
/// @file
/// Devices whose births are refused: they are connected, and nobody would see them.

#include <map>
#include <string>
#include <vector>

#include "skink/coordinator/core/coordinator.hpp"

namespace skink::coordinator {

/// A device whose birth was not taken, and why.
struct Stranger {
  std::string id;
  wire::Refusal reason = wire::Refusal::kNone;
};

/// Names each of them once an hour, and no more than a thousand.
class StrangerWatch {
 public:
  /// Notes a reason for which births are refused that was counted between `before` and `after`.
  void on_birth(std::string_view id, const RefusalCounts& before, const RefusalCounts& after, std::uint64_t now_ms);
  /// Those since the last call.
  std::vector<Stranger> take() { return std::exchange(strangers_, {}); }

 private:
  std::map<std::string, std::uint64_t, std::less<>> said_ms_;
  std::vector<Stranger> strangers_;
};

/// What an operator should know of it: who, why, what to do.
std::string stranger_text(const Stranger& stranger);

}  // namespace skink::coordinator
