#include "skink/rounds/evaluation_sums.hpp"

#include "skink/common/arithmetic/fixed_point.hpp"

namespace skink::rounds {
namespace {

constexpr std::uint64_t wire::Evaluation::*kSums[] = {
    &wire::Evaluation::tasks,         &wire::Evaluation::query_samples, &wire::Evaluation::correct_before,
    &wire::Evaluation::correct_after, &wire::Evaluation::loss_before,   &wire::Evaluation::loss_after,
    &wire::Evaluation::diverged_tasks};
constexpr std::int64_t kWord = std::int64_t{1} << 32;

}  // namespace

void add(const wire::Evaluation& part, wire::Evaluation& total) {
  for (const auto sum : kSums) total.*sum = arithmetic::add_saturating(total.*sum, part.*sum);
}

bool is_plausible(const wire::Evaluation& report, const EvaluationRequest& request) {
  const std::uint64_t most_samples = request.query_samples_per_task * request.tasks;
  const std::uint64_t most_loss = arithmetic::largest_loss_sum(report.query_samples);
  return report.tasks == request.tasks && report.query_samples <= most_samples &&
         report.correct_before <= report.query_samples && report.correct_after <= report.query_samples &&
         report.diverged_tasks <= report.tasks && report.loss_before <= most_loss && report.loss_after <= most_loss;
}

std::vector<std::int64_t> to_words(const wire::Evaluation& sums) {
  std::vector<std::int64_t> words;
  for (const auto sum : kSums) {
    words.push_back(static_cast<std::int64_t>(sums.*sum >> 32));
    words.push_back(static_cast<std::int64_t>(sums.*sum & 0xffffffffU));
  }
  return words;
}

wire::Evaluation from_words(const std::vector<std::int64_t>& words) {
  wire::Evaluation sums{};
  std::size_t next = 0;
  for (const auto sum : kSums) {
    const std::int64_t high = words[next] + words[next + 1] / kWord;
    const std::int64_t low = words[next + 1] % kWord;
    next += 2;
    const bool fits = high < kWord;
    sums.*sum = fits ? static_cast<std::uint64_t>(high) << 32 | static_cast<std::uint64_t>(low) : ~std::uint64_t{0};
  }
  return sums;
}

}  // namespace skink::rounds
