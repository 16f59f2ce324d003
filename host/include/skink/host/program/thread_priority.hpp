#pragma once
/// @file
/// Which threads of a program matter less.

namespace skink {

/// Lowers the calling thread's priority for good (nice 10, or what it has if that is lower), so that others of this and
/// other programs run first where processors are short. Where the system refuses, it stays.
void give_way_to_other_threads();

}  // namespace skink
