#include "change_reader.hpp"

#include "passes.hpp"

namespace skink::codec {

Status ChangeReader::load(const Segment& segment, float* x) noexcept {
  const auto read = [&](uint32_t parameter, uint32_t place, uint32_t count) noexcept {
    float* to = x + place;
    const Status status = change_.phi.read(change_.phi.context, parameter, {to, count});
    if (status != Status::kOk) return status;
    const float* residual = change_.residual == nullptr ? nullptr : change_.residual + segment.first + place;
    subtract(change_.parameters.data() + parameter, residual, {to, count});
    return status;
  };
  return for_each_run(*change_.network, segment, read);
}

Status ChangeReader::check(const Segment& segment, float* buffer, float& sum) noexcept {
  const auto read = [&](uint32_t parameter, uint32_t place, uint32_t count) noexcept {
    const Status status = change_.phi.read(change_.phi.context, parameter, {buffer, count});
    if (status != Status::kOk) return status;
    const float* residual = change_.residual == nullptr ? nullptr : change_.residual + segment.first + place;
    sum += nothing_if_finite(change_.parameters.data() + parameter, residual, {buffer, count});
    return status;
  };
  return for_each_run(*change_.network, segment, read);
}

}  // namespace skink::codec
