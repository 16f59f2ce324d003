/// @file
/// Instructions of encoding the change of the sine net, for scripts/cycle-report: phi is in a model file in memory, as
/// a device finds it in mapped flash. Output, a line a codec: name, encoded bytes, instructions of finding scales and
/// survivors and of writing all bytes, the same when phi is copied as it is read, instructions of computing what is
/// left for error feedback.

#include "codec_bench.hpp"

#include "skink/common/arithmetic/philox.hpp"
#include "skink/common/codec/encoder.hpp"
#include "skink/common/model/model_file.hpp"
#include "skink/firmware/console.hpp"
#include "skink/firmware/memory.hpp"
#include "skink/firmware/port.hpp"
#include "skink/firmware/stopwatch.hpp"

namespace skink::firmware {
namespace {

struct Phi {
  model::ByteSource file;
  model::ModelInfo info;
  static Status read(void* context, size_t first, Span<float> out) noexcept {
    const auto& phi = *static_cast<const Phi*>(context);
    return model::read_parameters(phi.file, phi.info, first, out);
  }
};

/// The sum of four uniform numbers: near enough to a normal distribution, of about this deviation.
float spread(uint32_t element, float deviation) noexcept {
  float sum = -2.0F;
  const arithmetic::PhiloxBlock block = arithmetic::philox(99, element, 3, 0, 0);
  for (const uint32_t word : block.words) sum += arithmetic::uniform(word);
  return sum * deviation * 1.7F;
}

/// Instructions of a whole encoding into `out`; 0 if it failed.
uint32_t encode(codec::Encoder& encoder, const codec::Codec& codec, const codec::Change& change, MutableBytes state,
                MutableBytes out) noexcept {
  const uint32_t begin = stopwatch::ticks();
  if (encoder.begin(codec, change, {99, 1, 2}, state) != Status::kOk) return 0;
  if (encoder.read(0, out.first(encoder.size())) != Status::kOk) return 0;
  return stopwatch::instructions(begin, stopwatch::ticks());
}

void measure(const char* name, const codec::Change& change, Span<float> residual, MutableBytes memory) noexcept {
  codec::Codec codec;
  if (!codec::parse(name, codec)) return;
  port::feed_watchdog();
  codec::Encoder encoder;
  const size_t state_bytes = codec::state_bytes(codec, *change.network);
  const MutableBytes state = memory.first(state_bytes);
  const MutableBytes out = memory.subspan(state_bytes, memory.size() - state_bytes);
  codec::Change what = change;
  if (!codec.error_feedback) what.residual = nullptr;
  what.phi.in_place = nullptr;
  const uint32_t copying = encode(encoder, codec, what, state, out);
  what.phi.in_place = change.phi.in_place;
  const uint32_t encoded = encode(encoder, codec, what, state, out);
  if (copying == 0 || encoded == 0) return;
  uint32_t left = 0;
  if (codec.error_feedback) {
    const uint32_t again = stopwatch::ticks();
    (void)encoder.leave(residual);
    left = stopwatch::instructions(again, stopwatch::ticks());
  }
  print("codec {} {} {} {} {}", name, encoder.size(), encoded, copying, left);
}

}  // namespace

void measure_codecs(const nn::Network& network) noexcept {
  static constexpr const char* kNames[] = {"float32",
                                           "int8",
                                           "int8:nearest",
                                           "int4",
                                           "int4:block:nearest+ef",
                                           "ternary",
                                           "sign+ef",
                                           "eden:1",
                                           "eden:1+ef",
                                           "eden:2",
                                           "eden:3",
                                           "eden:4",
                                           "topk:0.01+ternary",
                                           "topk:0.01+ternary+ef",
                                           "topk:0.05+ternary+ef",
                                           "topk:0.1+ternary+ef",
                                           "topk:0.1+int8",
                                           "topk:0.05+ternary+range+ef",
                                           "topk:0.01+ternary+range+ef",
                                           "int4:nearest+range+ef"};
  const size_t parameters = network.parameter_count();
  auto* memory = reinterpret_cast<float*>(arena().data());
  const Span<float> w(memory, parameters);
  const Span<float> residual(memory + parameters, parameters);
  const MutableBytes file{reinterpret_cast<uint8_t*>(memory + 2 * parameters), model::model_bytes(network, 1)};
  const MutableBytes rest = {file.data() + file.size(), 4 * parameters * 3};
  for (uint32_t e = 0; e < parameters; ++e) w[e] = spread(e, 0.3F);
  static model::Model model;
  model.network = network;
  crypto::Digest digest;
  if (model::encode(model, w, file, digest) != Status::kOk) return;
  const Bytes written = file;
  static Phi phi;
  phi.file = model::source_of(written);
  if (model::inspect(phi.file, phi.info) != Status::kOk) return;
  for (uint32_t e = 0; e < parameters; ++e) w[e] += spread(5000 + e, 0.01F);
  codec::Change change;
  change.network = &network;
  change.phi = {&phi, &Phi::read, model::parameters_in_place(phi.file, phi.info)};
  change.parameters = w;
  change.residual = residual.data();
  for (const char* name : kNames) {
    for (uint32_t e = 0; e < parameters; ++e) residual[e] = spread(10000 + e, 0.01F);
    measure(name, change, {residual.data(), residual.size()}, rest);
  }
}

}  // namespace skink::firmware
