// No include guard: contraction_off.hpp, with the same conditions. clang has nothing to restore to: after a header of
// Skink's that computes, the file that includes it is compiled without contraction too, which costs it some speed at
// most.
#if defined(SKINK_ALLOW_CONTRACTION) || (defined(__arm__) && !defined(__ARM_FEATURE_FMA)) || \
    (defined(__riscv) && !defined(__riscv_flen)) || defined(__XTENSA_SOFT_FLOAT__) || defined(__clang__)
#else
#pragma GCC pop_options
#endif
