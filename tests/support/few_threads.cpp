/// @file
/// A library for LD_PRELOAD: a process may start SKINK_THREADS threads, then the system has no more, as with a limit
/// on processes. (A real limit does not bind root, who runs many a test.)

#include <dlfcn.h>
#include <pthread.h>

#include <atomic>
#include <cerrno>
#include <cstdlib>

namespace {

int allowed_threads() {
  const char* text = std::getenv("SKINK_THREADS");
  return text != nullptr ? std::atoi(text) : 0;
}

}  // namespace

extern "C" int pthread_create(pthread_t* thread, const pthread_attr_t* attributes, void* (*body)(void*),
                              void* argument) noexcept {
  static std::atomic<int> left{allowed_threads()};
  if (left-- <= 0) return EAGAIN;
  using Create = int (*)(pthread_t*, const pthread_attr_t*, void* (*)(void*), void*);
  static const auto create = reinterpret_cast<Create>(::dlsym(RTLD_NEXT, "pthread_create"));
  return create(thread, attributes, body, argument);
}
