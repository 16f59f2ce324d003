#pragma once
/// @file
/// The compressed downlink: a round's step goes through a codec, and what the codec leaves of it is what the
/// coordinator itself takes for the new model. So a device that has the model before the round needs the encoded step,
/// the patch, and nothing else to have exactly the same model. docs/codec.md, section 9.

#include <cstddef>
#include <cstdint>
#include <deque>
#include <string>
#include <string_view>
#include <vector>

#include "skink/common/codec/codec.hpp"
#include "skink/common/span.hpp"
#include "skink/host/experiment/experiment.hpp"
#include "skink/rounds/records.hpp"

namespace skink::rounds {

/// What becomes of a round's step before anybody takes it for the new model.
class Downlink {
 public:
  /// @param[in] name  kWholeModel, or the name of a codec
  /// @throws std::runtime_error for another text.
  Downlink(const std::string& name, const nn::Network& network, std::uint64_t seed);

  /// Whether a step is sent through a codec; else devices fetch whole models.
  bool is_compressed() const { return is_compressed_; }

  /// What becomes of a step.
  ///
  /// @param[in]     before      [P], phi before the round
  /// @param[in,out] parameters  [P], in: after the outer step; out: the new phi
  /// @returns the patch from `before` to it.
  /// @throws std::runtime_error when a step is not finite.
  std::vector<std::uint8_t> pass(std::uint32_t round, const std::vector<float>& before, std::vector<float>& parameters);

  /// Error feedback: what no patch has told yet, [trainable_count]; empty without it. It belongs to the run as phi
  /// does.
  const std::vector<float>& residual() const { return residual_; }
  /// @returns false when these are not as many numbers as residual() has.
  bool restore(const std::vector<float>& residual);

 private:
  nn::Network network_;
  std::uint64_t seed_;
  bool is_compressed_ = false;
  codec::Codec codec_;
  std::vector<float> residual_;
  std::vector<float> state_;  // the encoder's memory
};

/// Bytes of a chain before the round of its first patch (docs/codec.md, section 9).
std::size_t chain_head_bytes(std::string_view codec, std::uint32_t frozen);

/// Which patches are kept, and how long chains of patches are. Patches of the last rounds are kept while their total
/// length is below the model's: a longer chain would cost more than the whole model.
class PatchLengths {
 public:
  /// @param[in] head_bytes  before the round of the first patch: chain_head_bytes()
  PatchLengths(std::size_t head_bytes, std::size_t model_bytes) : head_bytes_(head_bytes), model_bytes_(model_bytes) {}

  /// The next round's.
  void add(std::uint32_t round, std::size_t bytes);

  /// Of the kept patches, in the order of the rounds.
  const std::deque<std::uint32_t>& lengths() const { return lengths_; }
  /// Length in bytes of the chain of this round's patch and all later ones; 0: a patch of it is not kept, or the model
  /// file is shorter.
  std::size_t chain_bytes(std::uint32_t first_round) const;

 private:
  std::size_t head_bytes_;
  std::size_t model_bytes_;
  std::deque<std::uint32_t> lengths_;
  std::uint32_t next_round_ = 0;
  std::size_t bytes_ = 0;  // of all patches, with their lengths
};

/// The patches of the last rounds themselves.
class PatchBook {
 public:
  /// @param[in] codec   the name that begins every chain
  /// @param[in] frozen  tensors that no round changes: Network::frozen() of what the rounds send
  PatchBook(std::string codec, std::uint32_t frozen, std::size_t model_bytes)
      : codec_(std::move(codec)), frozen_(frozen), lengths_(chain_head_bytes(codec_, frozen), model_bytes) {}

  /// The next round's.
  void add(Patch patch);

  /// The chain of patches from the model with this digest on, as bytes (docs/codec.md, section 9). Empty: the model is
  /// not known, is the newest one, or the whole file would be shorter.
  std::vector<std::uint8_t> chain_from(const crypto::Digest& base) const;

  /// Those that are kept, in the order of the rounds.
  const std::deque<Patch>& patches() const { return patches_; }

  /// The known model whose digest begins with these bytes; null if there is none.
  const crypto::Digest* find(std::uint64_t digest_prefix) const;

 private:
  std::string codec_;
  std::uint32_t frozen_;
  PatchLengths lengths_;
  std::deque<Patch> patches_;
};

}  // namespace skink::rounds
