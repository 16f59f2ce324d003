#pragma once
/// @file
/// Fields of a message found in place: no copy, no limit on their length.

#include <pb_decode.h>

#include "skink/common/span.hpp"

namespace skink::wire::internal {

struct FieldView {
  Bytes message;  ///< what is decoded
  Bytes found;    ///< the field's content, inside `message`; empty when it is absent
};

/// For pb_callback_t::funcs.decode, with a FieldView as its argument, over pb_istream_from_buffer(message).
///
/// The stream reads from memory, so a field's bytes stand at a known place. Not so when it came with the wire type of a
/// number: nanopb then offers a copy on its stack, which is refused. The last of several fields counts.
bool find_field(pb_istream_t* stream, const pb_field_t* field, void** argument) noexcept;

}  // namespace skink::wire::internal
