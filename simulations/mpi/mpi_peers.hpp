#pragma once
/// @file
/// The processes that mpirun, or a cluster's batch system, has started together.

#include <memory>

#include "skink/simulations/learning/peers.hpp"

namespace skink::simulations {

/// Was this process started together with others? Looks at the environment only.
bool is_under_mpi();

/// Joins the others; null when this program was built without MPI. Call once; the destructor leaves them.
std::unique_ptr<Peers> join_mpi();

/// Ends all processes at once: one of them cannot go on.
[[noreturn]] void abort_mpi(int exit_code);

}  // namespace skink::simulations
