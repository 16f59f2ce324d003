#include "wire/field_view.hpp"

#include <stdint.h>

namespace skink::wire::internal {

bool find_field(pb_istream_t* stream, const pb_field_t* /*field*/, void** argument) noexcept {
  auto& view = *static_cast<FieldView*>(*argument);
  const size_t count = stream->bytes_left;
  // nanopb's buffer stream keeps its position here; compared as numbers, as it may be of another object.
  const auto here = reinterpret_cast<uintptr_t>(stream->state);
  const auto begin = reinterpret_cast<uintptr_t>(view.message.data());
  if (here < begin || here - begin > view.message.size() || count > view.message.size() - (here - begin)) return false;
  view.found = view.message.subspan(here - begin, count);
  return pb_read(stream, nullptr, count);
}

}  // namespace skink::wire::internal
