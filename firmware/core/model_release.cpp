#include "skink/firmware/model_release.hpp"

#include "skink/common/model/model_file.hpp"

namespace skink::firmware {

Status take_release(Bytes partition, Bytes release_key, ModelStore& models, provisioning::Release& release) noexcept {
  provisioning::Release read;
  Status status = provisioning::read_release(partition, release_key, read);
  if (status != Status::kOk) return status;
  if (read.kind != provisioning::ReleaseKind::kModel) return Status::kUnsupported;
  model::ModelInfo model;
  status = model::inspect(model::source_of(read.content), model);
  if (status != Status::kOk) return status;
  release = read;
  if (!models.has_model()) {
    if (read.content_bytes > models.capacity()) return Status::kBufferTooSmall;
    status = models.begin(read.content_bytes);
    if (status == Status::kOk) status = models.write(0, read.content, ChunkPart::kEnd);
    if (status == Status::kOk) status = models.commit(model.digest, read.content_bytes);
  }
  return status;
}

}  // namespace skink::firmware
