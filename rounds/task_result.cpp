#include "skink/rounds/task_result.hpp"

#include <algorithm>
#include <cstring>
#include <type_traits>

namespace skink::rounds {
namespace {

/// visit(number) for each number of a result; doubles by their bits.
template <class Result, class Visit>
void visit_numbers(Result& result, const Visit& visit) {
  visit(result.number);
  visit(result.client);
  visit(result.support_samples);
  visit(result.query_samples);
  visit(result.diverged);
  for (auto* score : {&result.before, &result.after, &result.persistence}) {
    visit(score->correct);
    visit(score->loss);
    visit(score->squared_error);
    visit(score->absolute_error);
    visit(score->auc);
    visit(score->partial_auc);
  }
}

}  // namespace

void add(const Confusion& part, Confusion& total) {
  for (std::size_t i = 0; i < total.counts.size(); ++i) total.counts[i] += part.counts[i];
}

void append_words(const TaskResult* result, std::vector<std::int64_t>& words) {
  const TaskResult absent;
  visit_numbers(result != nullptr ? *result : absent, [&](const auto& number) {
    std::int64_t word = 0;
    if constexpr (std::is_same_v<std::decay_t<decltype(number)>, double>) {
      std::memcpy(&word, &number, sizeof word);
    } else {
      word = static_cast<std::int64_t>(number);
    }
    words.push_back(result != nullptr ? word : 0);
  });
}

const std::int64_t* read_words(const std::int64_t* words, TaskResult& result) {
  visit_numbers(result, [&](auto& number) {
    using Number = std::decay_t<decltype(number)>;
    if constexpr (std::is_same_v<Number, double>) {
      std::memcpy(&number, words, sizeof number);
    } else {
      number = static_cast<Number>(*words);
    }
    ++words;
  });
  return words;
}

double macro_f1(const Confusion& confusion) {
  double sum = 0;
  std::uint32_t classes = 0;
  for (std::uint32_t c = 0; c < confusion.classes; ++c) {
    std::uint64_t wanted = 0;
    std::uint64_t answered = 0;
    for (std::uint32_t other = 0; other < confusion.classes; ++other) {
      wanted += confusion.counts[std::size_t{c} * confusion.classes + other];
      answered += confusion.counts[std::size_t{other} * confusion.classes + c];
    }
    if (wanted + answered == 0) continue;
    const std::uint64_t right = confusion.counts[std::size_t{c} * confusion.classes + c];
    sum += 2.0 * static_cast<double>(right) / static_cast<double>(wanted + answered);
    ++classes;
  }
  return classes == 0 ? std::numeric_limits<double>::quiet_NaN() : sum / classes;
}

double area_under_roc(std::vector<ScoredSample>& samples, double most) {
  const auto is_anomaly = [](const ScoredSample& sample) { return sample.is_anomaly; };
  const auto positives = static_cast<double>(std::count_if(samples.begin(), samples.end(), is_anomaly));
  const auto negatives = static_cast<double>(samples.size()) - positives;
  const auto has_no_rank = [](const ScoredSample& sample) { return std::isnan(sample.score); };
  if (positives == 0 || negatives == 0 || std::any_of(samples.begin(), samples.end(), has_no_rank)) {
    return std::numeric_limits<double>::quiet_NaN();
  }
  std::sort(samples.begin(), samples.end(),
            [](const ScoredSample& a, const ScoredSample& b) { return a.score > b.score; });
  double area = 0;
  double hits = 0;    // so far, of the positives
  double alarms = 0;  // likewise, of the negatives
  for (std::size_t i = 0; i < samples.size() && alarms < most * negatives;) {
    double more_hits = 0;
    double more_alarms = 0;
    const float score = samples[i].score;
    for (; i < samples.size() && samples[i].score == score; ++i) (samples[i].is_anomaly ? more_hits : more_alarms) += 1;
    const double room = most * negatives - alarms;
    const double part = more_alarms > room ? room / more_alarms : 1.0;  // the line is cut where the rate is reached
    area += part * more_alarms * (hits + part * more_hits / 2);
    hits += more_hits;
    alarms += more_alarms;
  }
  return area / (positives * negatives * most);
}

}  // namespace skink::rounds
