#include "skink/firmware/model_release.hpp"

#include "skink/common/model/model_file.hpp"

namespace skink::firmware {

namespace {

Status keep(ModelStore& store, const provisioning::Release& release, const crypto::Digest& model) noexcept {
  if (release.content_bytes > store.capacity()) return Status::kBufferTooSmall;
  Status status = store.begin(release.content_bytes);
  if (status == Status::kOk) status = store.write(0, release.content, ChunkPart::kEnd);
  return status == Status::kOk ? store.commit(model, release.content_bytes, release.number) : status;
}

}  // namespace

Status take_release(Bytes partition, Bytes release_key, ModelStore& models, ModelStore& releases,
                    provisioning::Release& release) noexcept {
  provisioning::Release read;
  Status status = provisioning::read_release(partition, release_key, read);
  if (status != Status::kOk) return status;
  if (read.kind != provisioning::ReleaseKind::kModel) return Status::kUnsupported;
  model::ModelInfo model;
  status = model::inspect(model::source_of(read.content), model);
  if (status != Status::kOk) return status;
  release = read;
  if (!models.has_model()) status = keep(models, read, model.digest);
  const bool is_newer = read.number > (releases.has_model() ? releases.number() : 0);
  if (status == Status::kOk && releases.capacity() != 0 && is_newer) status = keep(releases, read, model.digest);
  return status;
}

edge::ReleaseStore release_store(ModelStore& releases) noexcept { return {releases.whole_source(), releases.source()}; }

}  // namespace skink::firmware
