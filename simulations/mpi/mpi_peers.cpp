#include "mpi_peers.hpp"

#include <mpi.h>

#include <cstdlib>
#include <stdexcept>

namespace skink::simulations {
namespace {

void check(int result, const char* what) {
  if (result != MPI_SUCCESS) throw std::runtime_error(std::string("MPI: ") + what + " failed");
}

class MpiPeers final : public Peers {
 public:
  MpiPeers() {
    // Only the thread that began calls MPI.
    int given = 0;
    check(MPI_Init_thread(nullptr, nullptr, MPI_THREAD_FUNNELED, &given), "MPI_Init_thread");
    int rank = 0;
    int count = 1;
    check(MPI_Comm_rank(MPI_COMM_WORLD, &rank), "MPI_Comm_rank");
    check(MPI_Comm_size(MPI_COMM_WORLD, &count), "MPI_Comm_size");
    rank_ = static_cast<std::uint32_t>(rank);
    count_ = static_cast<std::uint32_t>(count);
  }
  ~MpiPeers() override { MPI_Finalize(); }
  MpiPeers(const MpiPeers&) = delete;
  MpiPeers& operator=(const MpiPeers&) = delete;

  std::uint32_t rank() const override { return rank_; }
  std::uint32_t count() const override { return count_; }

  void add_up(std::vector<std::int64_t>& numbers) override {
    // Unsigned: these may wrap around.
    check(MPI_Allreduce(MPI_IN_PLACE, numbers.data(), static_cast<int>(numbers.size()), MPI_UINT64_T, MPI_SUM,
                        MPI_COMM_WORLD),
          "MPI_Allreduce");
  }

  void take_over(std::vector<std::uint8_t>& bytes) override {
    std::uint64_t size = bytes.size();
    check(MPI_Bcast(&size, 1, MPI_UINT64_T, 0, MPI_COMM_WORLD), "MPI_Bcast");
    bytes.resize(size);
    constexpr std::uint64_t kPiece = std::uint64_t{1} << 30;  // MPI counts in int
    for (std::uint64_t begin = 0; begin < size; begin += kPiece) {
      const auto count = static_cast<int>(std::min(kPiece, size - begin));
      check(MPI_Bcast(bytes.data() + begin, count, MPI_BYTE, 0, MPI_COMM_WORLD), "MPI_Bcast");
    }
  }

 private:
  std::uint32_t rank_ = 0;
  std::uint32_t count_ = 1;
};

}  // namespace

std::unique_ptr<Peers> join_mpi() { return std::make_unique<MpiPeers>(); }

void abort_mpi(int exit_code) {
  MPI_Abort(MPI_COMM_WORLD, exit_code);
  std::abort();  // not reached
}

}  // namespace skink::simulations

#if defined(__SANITIZE_THREAD__)
// Open MPI is a library without instrumentation; its TCP transport takes two locks of its own in either order.
extern "C" const char* __tsan_default_suppressions() {  // NOLINT(bugprone-reserved-identifier): the runtime's name
  return "deadlock:mca_btl_tcp.so\n";
}
#endif
