#include "sample_record.hpp"

#include "skink/common/arithmetic/real.hpp"

namespace skink::firmware::sample {

bool is_whole(float value, float least, float most) noexcept {
  return value >= least && value <= most && static_cast<float>(static_cast<int32_t>(value)) == value;
}

bool encode(SampleNumber number, float value, uint8_t* out) noexcept {
  switch (number) {
    case SampleNumber::kUint8:
      if (!is_whole(value, 0.0F, 255.0F)) return false;
      *out = static_cast<uint8_t>(value);
      return true;
    case SampleNumber::kInt16:
      if (!is_whole(value, -32768.0F, 32767.0F)) return false;
      store_u16(out, static_cast<uint16_t>(static_cast<int32_t>(value)));
      return true;
    case SampleNumber::kFloat32: break;
  }
  store_float(out, value);
  return arithmetic::is_finite(value);
}

float decode(SampleNumber number, const uint8_t* in) noexcept {
  switch (number) {
    case SampleNumber::kUint8: return static_cast<float>(*in);
    case SampleNumber::kInt16: return static_cast<float>(static_cast<int16_t>(load_u16(in)));
    case SampleNumber::kFloat32: break;
  }
  return load_float(in);
}

Status RecordWriter::add(const uint8_t* bytes, uint32_t count) noexcept {
  Status status = Status::kOk;
  for (uint32_t i = 0; i < count && status == Status::kOk; ++i) {
    piece_[filled_++] = bytes[i];
    if (filled_ == kPieceBytes) status = flush();
  }
  return status;
}

Status RecordWriter::finish() noexcept {
  constexpr uint8_t ones = 0xff;
  Status status = Status::kOk;
  const uint32_t missing = end_ - kCrcBytes - address_ - filled_;
  for (uint32_t i = 0; i < missing && status == Status::kOk; ++i) status = add(&ones, 1);
  uint8_t crc[kCrcBytes];
  store_u32(crc, crc32({piece_, filled_}, crc_));
  if (status == Status::kOk) status = add(crc, kCrcBytes);
  return status == Status::kOk ? flush() : status;
}

Status RecordWriter::flush() noexcept {
  if (filled_ == 0) return Status::kOk;
  const Bytes bytes{piece_, filled_};
  crc_ = crc32(bytes, crc_);
  const Status status = flash_.program(address_, bytes);
  address_ += filled_;
  filled_ = 0;
  return status;
}

}  // namespace skink::firmware::sample
