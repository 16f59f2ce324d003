#pragma once
/// @file
/// Processes that compute one run together, each a share of every round. What they exchange are sums of integers, so
/// the model does not depend on how many there are. MPI is one way (simulations/mpi); one process alone is another.

#include <cstddef>
#include <cstdint>
#include <vector>

namespace skink::simulations {

/// The processes of one run. This one is alone; MPI's is in mpi/.
class Peers {
 public:
  virtual ~Peers() = default;
  /// Which of them this process is; 0 writes the files.
  virtual std::uint32_t rank() const { return 0; }
  virtual std::uint32_t count() const { return 1; }

  /// Everybody calls this with equally many numbers and gets their sums. 64-bit sums wrap around.
  virtual void add_up(std::vector<std::int64_t>& /*numbers*/) {}
  /// Everybody gets what rank 0 has.
  virtual void take_over(std::vector<std::uint8_t>& /*bytes*/) {}
};

}  // namespace skink::simulations
