#include <cstdlib>

#include "mpi_peers.hpp"

namespace skink::simulations {

bool is_under_mpi() {
  // Open MPI's mpirun; PMIx and PMI-2 as Slurm and other launchers offer them.
  for (const char* name : {"OMPI_COMM_WORLD_SIZE", "PMIX_RANK", "PMI_RANK"}) {
    if (std::getenv(name) != nullptr) return true;
  }
  return false;
}

}  // namespace skink::simulations
