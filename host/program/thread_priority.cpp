#include "skink/host/program/thread_priority.hpp"

#include <sys/resource.h>

#include <algorithm>

namespace skink {

void give_way_to_other_threads() {
  constexpr int kNice = 10;
  // On Linux, process 0 is the calling thread here (setpriority(2), "C library/kernel differences").
  ::setpriority(PRIO_PROCESS, 0, std::max(kNice, ::getpriority(PRIO_PROCESS, 0)));
}

}  // namespace skink
