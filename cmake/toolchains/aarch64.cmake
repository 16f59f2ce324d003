# Host programs for 64-bit Arm gateways, built on another machine of Debian with its packages for arm64 (scripts/test-aarch64).
set(CMAKE_SYSTEM_NAME Linux)
set(CMAKE_SYSTEM_PROCESSOR aarch64)
set(CMAKE_C_COMPILER aarch64-linux-gnu-gcc)
set(CMAKE_CXX_COMPILER aarch64-linux-gnu-g++)
set(CMAKE_LIBRARY_ARCHITECTURE aarch64-linux-gnu)
set(CMAKE_CROSSCOMPILING_EMULATOR qemu-aarch64-static)

# Headers only, the same for every architecture; their CMake files lie in a folder of this machine's.
if(NOT DEFINED Boost_DIR)
  file(GLOB boost_folders /usr/lib/*/cmake/Boost-1.81*)
  if(boost_folders)
    list(GET boost_folders 0 boost_folder)
    set(Boost_DIR "${boost_folder}" CACHE PATH "Boost's CMake files")
  endif()
endif()

set(ENV{PKG_CONFIG_LIBDIR} /usr/lib/aarch64-linux-gnu/pkgconfig:/usr/share/pkgconfig) # not this machine's
