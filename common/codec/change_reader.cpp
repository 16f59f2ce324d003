#include "change_reader.hpp"

#include "encoder_passes.hpp"

namespace skink::codec {

template <class See>
Status ChangeReader::see_stored(uint32_t first, const float* w, const float* phi, Span<float> part, See see) noexcept {
  float residual[64];
  constexpr auto kPiece = static_cast<uint32_t>(sizeof residual / sizeof residual[0]);
  const auto numbers = static_cast<uint32_t>(part.size());
  for (uint32_t done = 0; done < numbers; done += kPiece) {
    const uint32_t count = numbers - done < kPiece ? numbers - done : kPiece;
    const NumberSource& stored = change_.stored_residual;
    const Status status = stored.read(stored.context, first + done, {residual, count});
    if (status != Status::kOk) return status;
    see(w + done, residual, phi + done, part.subspan(done, count));
  }
  return Status::kOk;
}

template <class See>
Status ChangeReader::for_each_run_of(const Segment& segment, float* buffer, See see) noexcept {
  return for_each_run(*change_.network, segment, [&](uint32_t parameter, uint32_t place, uint32_t count) noexcept {
    const Span<float> part(buffer + place, count);
    const float* phi = part.data();
    Status status = Status::kOk;
    if (change_.phi.in_place != nullptr) {
      phi = change_.phi.in_place + parameter;
    } else {
      status = change_.phi.read(change_.phi.context, parameter, part);
    }
    if (status != Status::kOk) return status;
    const bool is_whole = change_.parameters.size() == change_.network->parameter_count();
    const float* w = change_.parameters.data() + (is_whole ? parameter : segment.first + place);
    if (change_.stored_residual.read != nullptr) return see_stored(segment.first + place, w, phi, part, see);
    see(w, change_.residual == nullptr ? nullptr : change_.residual + segment.first + place, phi, part);
    return status;
  });
}

Status ChangeReader::load(const Segment& segment, float* x) noexcept { return for_each_run_of(segment, x, &subtract); }

Status ChangeReader::add(const Segment& segment, float* buffer, float& sum) noexcept {
  const auto add = [&sum](const float* w, const float* residual, const float* phi, Span<float> part) noexcept {
    sum = add_differences(sum, w, residual, {phi, part.size()});
  };
  return for_each_run_of(segment, buffer, add);
}

}  // namespace skink::codec
