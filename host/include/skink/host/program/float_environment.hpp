#pragma once
/// @file
/// The floating-point control word of a thread. A library linked with -ffast-math sets flush-to-zero for the thread
/// that loads it; every thread that computes calls this first.

#include "skink/common/arithmetic/canary.hpp"

namespace skink {

/// Sets round-to-nearest, denormals kept, exceptions masked for the calling thread, and then runs the
/// canary. Any result but kSound: the thread must not compute.
arithmetic::Canary prepare_thread_arithmetic() noexcept;

}  // namespace skink
