#include "skink/firmware/log.hpp"

namespace skink::firmware {
namespace {

LogSink log_sink = nullptr;
void* log_context = nullptr;

}  // namespace

void set_log(LogSink sink, void* context) noexcept {
  log_sink = sink;
  log_context = context;
}

void port::console(const char* text, size_t count) noexcept {
  if (log_sink != nullptr) log_sink(log_context, text, count);
}

}  // namespace skink::firmware
