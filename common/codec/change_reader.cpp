#include "change_reader.hpp"

#include "passes.hpp"

namespace skink::codec {

template <class See>
Status ChangeReader::for_each_run_of(const Segment& segment, float* buffer, See see) noexcept {
  return for_each_run(*change_.network, segment, [&](uint32_t parameter, uint32_t place, uint32_t count) noexcept {
    const Span<float> phi(buffer + place, count);
    const Status status = change_.phi.read(change_.phi.context, parameter, phi);
    if (status != Status::kOk) return status;
    const float* residual = change_.residual == nullptr ? nullptr : change_.residual + segment.first + place;
    see(change_.parameters.data() + parameter, residual, phi);
    return status;
  });
}

Status ChangeReader::load(const Segment& segment, float* x) noexcept { return for_each_run_of(segment, x, &subtract); }

Status ChangeReader::add(const Segment& segment, float* buffer, float& sum) noexcept {
  const auto add = [&sum](const float* w, const float* residual, Span<const float> phi) noexcept {
    sum = add_differences(sum, w, residual, phi);
  };
  return for_each_run_of(segment, buffer, add);
}

}  // namespace skink::codec
