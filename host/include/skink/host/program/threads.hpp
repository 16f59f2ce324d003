#pragma once
/// @file
/// Starting threads where the system may refuse one: limits on processes (ulimit -u, a container's, a batch system's)
/// count threads too.

#include <cstddef>
#include <system_error>
#include <thread>
#include <vector>

namespace skink {

/// Adds up to `count` threads that call body(number), number = 0, 1, ...; fewer when the system refuses one. Look at
/// threads.size().
template <class Body>
void start_threads(std::vector<std::thread>& threads, std::size_t count, Body body) {
  threads.reserve(threads.size() + count);  // nothing may throw once a thread runs
  for (std::size_t number = 0; number < count; ++number) {
    try {
      threads.emplace_back([body, number] { body(number); });
    } catch (const std::system_error&) {
      return;
    }
  }
}

}  // namespace skink
