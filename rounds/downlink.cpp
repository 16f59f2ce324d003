#include "skink/rounds/downlink.hpp"

#include <algorithm>
#include <stdexcept>

#include "skink/common/codec/decoder.hpp"
#include "skink/common/codec/encoder.hpp"

namespace skink::rounds {
namespace {

Status read_numbers(void* context, std::size_t first, Span<float> out) {
  const auto& numbers = *static_cast<const std::vector<float>*>(context);
  std::copy_n(numbers.begin() + static_cast<std::ptrdiff_t>(first), out.size(), out.begin());
  return Status::kOk;
}

/// Seven bits a byte, lowest first.
void append_number(std::vector<std::uint8_t>& bytes, std::size_t number) {
  for (; number >= 0x80; number >>= 7) bytes.push_back(static_cast<std::uint8_t>(number | 0x80));
  bytes.push_back(static_cast<std::uint8_t>(number));
}

std::size_t number_bytes(std::size_t number) {
  std::size_t bytes = 1;
  for (; number >= 0x80; number >>= 7) ++bytes;
  return bytes;
}

std::size_t with_length(std::size_t bytes) { return number_bytes(bytes) + bytes; }

}  // namespace

std::size_t chain_head_bytes(std::string_view codec, std::uint32_t frozen) {
  return 1 + codec.size() + number_bytes(frozen);
}

Downlink::Downlink(const std::string& name, const nn::Network& network, std::uint64_t seed)
    : network_(network), seed_(seed), is_compressed_(name != kWholeModel) {
  if (!is_compressed_) return;
  if (!codec::parse(name.c_str(), codec_)) throw std::runtime_error("unknown codec");
  residual_.resize(codec::residual_bytes(codec_, network_) / sizeof(float), 0.0F);
  state_.resize(codec::state_bytes(codec_, network_) / sizeof(float));
}

std::vector<std::uint8_t> Downlink::pass(std::uint32_t round, const std::vector<float>& before,
                                         std::vector<float>& parameters) {
  std::vector<float> phi = before;
  codec::Change change;
  change.network = &network_;
  change.phi = {&phi, &read_numbers};
  change.parameters = {parameters.data(), parameters.size()};
  change.residual = residual_.empty() ? nullptr : residual_.data();
  const codec::Key key{seed_, round, codec::kCoordinator};
  codec::Encoder encoder;
  const MutableBytes state{reinterpret_cast<std::uint8_t*>(state_.data()), state_.size() * sizeof(float)};
  if (encoder.begin(codec_, change, key, state) != Status::kOk) {
    throw std::runtime_error("the meta-parameters are not finite");
  }
  std::vector<std::uint8_t> patch(encoder.size());
  Status status = encoder.read(0, {patch.data(), patch.size()});
  if (status == Status::kOk && !residual_.empty()) status = encoder.leave({residual_.data(), residual_.size()});
  if (status == Status::kOk) {
    status = codec::apply(codec_, network_, key, {patch.data(), patch.size()}, {phi.data(), phi.size()});
  }
  if (status != Status::kOk) throw std::logic_error("a patch cannot be decoded");
  parameters = std::move(phi);
  return patch;
}

bool Downlink::restore(const std::vector<float>& residual) {
  if (residual.size() != residual_.size()) return false;
  residual_ = residual;
  return true;
}

void PatchLengths::add(std::uint32_t round, std::size_t bytes) {
  lengths_.push_back(static_cast<std::uint32_t>(bytes));
  next_round_ = round + 1;
  bytes_ += with_length(bytes);
  while (!lengths_.empty() && bytes_ >= model_bytes_) {
    bytes_ -= with_length(lengths_.front());
    lengths_.pop_front();
  }
}

std::size_t PatchLengths::chain_bytes(std::uint32_t first_round) const {
  const std::size_t count = next_round_ - first_round;
  if (first_round >= next_round_ || count > lengths_.size()) return 0;
  std::size_t bytes = head_bytes_ + number_bytes(first_round);
  for (std::size_t i = lengths_.size() - count; i < lengths_.size(); ++i) bytes += with_length(lengths_[i]);
  return bytes < model_bytes_ ? bytes : 0;
}

void PatchBook::add(Patch patch) {
  lengths_.add(patch.round, patch.bytes.size());
  patches_.push_back(std::move(patch));
  while (patches_.size() > lengths_.lengths().size()) patches_.pop_front();
}

std::vector<std::uint8_t> PatchBook::chain_from(const crypto::Digest& base) const {
  const auto first =
      std::find_if(patches_.begin(), patches_.end(), [&](const Patch& patch) { return patch.base == base; });
  if (first == patches_.end() || lengths_.chain_bytes(first->round) == 0) return {};
  std::vector<std::uint8_t> chain{static_cast<std::uint8_t>(codec_.size())};
  chain.insert(chain.end(), codec_.begin(), codec_.end());
  append_number(chain, frozen_);
  append_number(chain, first->round);
  for (auto patch = first; patch != patches_.end(); ++patch) {
    append_number(chain, patch->bytes.size());
    chain.insert(chain.end(), patch->bytes.begin(), patch->bytes.end());
  }
  return chain;
}

const crypto::Digest* PatchBook::find(std::uint64_t prefix) const {
  const auto found = std::find_if(patches_.begin(), patches_.end(),
                                  [&](const Patch& patch) { return crypto::prefix_of(patch.base) == prefix; });
  return found == patches_.end() ? nullptr : &found->base;
}

}  // namespace skink::rounds
