# The freestanding libraries and their tests for a 32-bit machine on which they can run and be fuzzed: this x86-64 one, as
# i386. What a size_t of 32 bits does to lengths and counts is seen here, as on a microcontroller.
set(CMAKE_SYSTEM_NAME Linux)
set(CMAKE_SYSTEM_PROCESSOR i386)
set(CMAKE_C_COMPILER clang-14)
set(CMAKE_CXX_COMPILER clang++-14)
# x87 would round twice. The kernel's headers lie with those of 64 bits: the link that gcc-multilib brings would remove the
# cross compilers for Arm.
set(skink_flags "-m32 -msse2 -mfpmath=sse -idirafter /usr/include/x86_64-linux-gnu")
set(CMAKE_C_FLAGS_INIT "${skink_flags}")
set(CMAKE_CXX_FLAGS_INIT "${skink_flags}")
