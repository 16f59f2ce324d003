/// @file
/// Checkpoints of the learning engine: any text gives one, or a reason that says what to do. What is read can be
/// written and read again.

#include "learning/checkpoint.hpp"

#include "fakes/scratch_folder.hpp"
#include "harness.hpp"

namespace skink::test {

void fuzz_checkpoint(Bytes input) {
  static const ScratchFolder folder;
  constexpr std::uint32_t kRounds = 1000;
  const std::string text(reinterpret_cast<const char*>(input.data()), input.size());
  const auto checkpoint = simulations::parse_checkpoint(text, "fuzz.json", kRounds);
  if (!checkpoint) {
    promise(checkpoint.error().message.find("fuzz.json") != std::string::npos, "the reason names the file");
    return;
  }
  std::uint64_t rounds = 0;
  for (const auto& stretch : checkpoint->rounds) rounds += stretch.count;
  promise(rounds <= kRounds, "no more rounds than the run has");
  const std::string path = folder.file("checkpoint.json");
  promise(simulations::write_checkpoint(path, *checkpoint).has_value(), "it can be written");
  const auto again = simulations::read_checkpoint_text(path);
  promise(again.has_value() && again->has_value(), "and found");
  const auto second = simulations::parse_checkpoint(**again, path, kRounds);
  promise(second.has_value(), "and read");
  promise(second->rounds.size() == checkpoint->rounds.size() && second->model == checkpoint->model &&
              second->residuals.size() == checkpoint->residuals.size(),
          "to the same");
}

}  // namespace skink::test
