#pragma once
/// @file
/// A residual store in memory that breaks the test when it is used against its rules.

#include <stdexcept>
#include <vector>

#include "skink/edge/platform/vector_store.hpp"

namespace skink::test {

class FakeVectorStore {
 public:
  edge::VectorStore store() { return {this, capacity, &find, &read, &begin, &write, &commit}; }

  std::uint32_t capacity = 0;
  bool is_whole = false;
  int writes_left = -1;  ///< then writing fails; negative: it never does
  bool is_readable = true;
  edge::VectorTag tag;
  std::vector<float> kept;
  std::vector<float> coming;

 private:
  static FakeVectorStore& self(void* context) { return *static_cast<FakeVectorStore*>(context); }

  static bool find(void* context, edge::VectorTag& tag) {
    tag = self(context).tag;
    return self(context).is_whole;
  }
  static Status read(void* context, std::size_t first, Span<float> out) {
    if (!self(context).is_readable) return Status::kUnavailable;
    const std::vector<float>& kept = self(context).kept;
    if (first > kept.size() || out.size() > kept.size() - first) throw std::logic_error("read beyond the residual");
    for (std::size_t i = 0; i < out.size(); ++i) out[i] = kept[first + i];
    return Status::kOk;
  }
  static Status begin(void* context, std::uint32_t numbers) {
    if (numbers > self(context).capacity) throw std::logic_error("more than the store has room for");
    self(context).is_whole = false;
    self(context).coming.clear();
    return Status::kOk;
  }
  static Status write(void* context, std::size_t first, Span<const float> numbers) {
    FakeVectorStore& it = self(context);
    if (it.is_whole || first != it.coming.size()) throw std::logic_error("written out of order");
    if (it.writes_left == 0) return Status::kUnavailable;
    if (it.writes_left > 0) --it.writes_left;
    it.coming.insert(it.coming.end(), numbers.begin(), numbers.end());
    return Status::kOk;
  }
  static Status commit(void* context, const edge::VectorTag& tag) {
    FakeVectorStore& it = self(context);
    if (it.coming.size() != tag.numbers) throw std::logic_error("committed before all was written");
    it.is_whole = true;
    it.tag = tag;
    it.kept = it.coming;
    return Status::kOk;
  }
};

}  // namespace skink::test
