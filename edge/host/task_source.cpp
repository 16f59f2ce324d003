#include "skink/edge/host/task_source.hpp"

namespace skink::edge {
namespace {

TaskSet task_set(SampleSet set) { return set == SampleSet::kQuery ? TaskSet::kQuery : TaskSet::kSupport; }

}  // namespace

SampleSource TaskSource::source() noexcept {
  SampleSource source;
  source.context = this;
  source.begin = &begin;
  source.input = &input;
  source.target = &target;
  return source;
}

Status TaskSource::begin(void* context, const TaskRequest& request, SampleCounts& counts) {
  auto& self = *static_cast<TaskSource*>(context);
  const TaskUse use = request.is_evaluation ? TaskUse::kEvaluate : TaskUse::kAdapt;
  if (!self.generator_.can_draw(use)) return Status::kUnavailable;
  self.task_.emplace(self.generator_.draw({request.seed, request.round, request.number, use}));
  counts.support = self.task_->support_count();
  counts.query = self.task_->query_count();
  return Status::kOk;
}

Status TaskSource::input(void* context, SampleSet set, uint32_t index, Span<float> stored) {
  const auto& self = *static_cast<TaskSource*>(context);
  if (stored.size() != self.generator_.input_size()) return Status::kShapeMismatch;
  self.task_->read_input(task_set(set), index, stored);
  return Status::kOk;
}

float TaskSource::target(void* context, SampleSet set, uint32_t index, uint32_t output) {
  const auto& self = *static_cast<TaskSource*>(context);
  return self.task_->target(task_set(set), index, output);
}

}  // namespace skink::edge
