#pragma once
/// @file
/// SKINK_UNROLL before a loop over a constant count repeats its body, so that small arrays live in registers; at -O2
/// GCC would not. SKINK_UNROLL_BY_4 is for loops over any count.

#if defined(__clang__)
#define SKINK_UNROLL _Pragma("unroll")
#define SKINK_UNROLL_BY_4 _Pragma("unroll(4)")
#elif defined(__GNUC__)
#define SKINK_UNROLL _Pragma("GCC unroll 16")
#define SKINK_UNROLL_BY_4 _Pragma("GCC unroll 4")
#else
#define SKINK_UNROLL
#define SKINK_UNROLL_BY_4
#endif
