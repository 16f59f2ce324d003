#include "skink/coordinator/service/fleet_releases.hpp"

namespace skink::coordinator {
namespace {

constexpr std::uint32_t kPage = 500;

}  // namespace

Result<FleetReleases::Live> FleetReleases::live_of(const ReleaseRow& row) const {
  auto file = store_.model_file(row.model);
  if (!file) return file.error();
  Live live;
  live.model = row.model;
  live.slot = row.slot;
  live.group = row.group;
  live.announced.number = row.number;
  live.announced.slot = row.slot;
  live.announced.header = row.header;
  live.announced.file = std::move(*file);
  live.announced.seed = row.seed;
  live.announced.inner_learning_rate = row.inner_learning_rate;
  live.announced.passes = row.passes;
  live.announced.batch_size = row.batch_size;
  if (!crypto::from_hex(row.sha256.data(), row.sha256.size(), live.announced.model)) {
    return make_error(Status::kDamaged, "the hash of model " + std::to_string(row.model) + " is none");
  }
  return live;
}

Result<void> FleetReleases::read() {
  std::optional<ReleaseRow> for_all;
  std::optional<ReleaseRow> for_group;
  Page page{0, kPage};
  for (;;) {
    const auto rows = store_.releases(page);
    if (!rows) return rows.error();
    for (const ReleaseRow& row : *rows) (row.group.empty() ? for_all : for_group) = row;
    if (rows->size() < page.limit) break;
    page.after = rows->back().number;
  }
  for_all_.reset();
  for_group_.reset();
  if (for_all) {
    auto live = live_of(*for_all);
    if (!live) return live.error();
    for_all_ = std::move(*live);
  }
  if (for_group && (!for_all || for_group->number > for_all->number)) {
    auto live = live_of(*for_group);
    if (!live) return live.error();
    for_group_ = std::move(*live);
  }
  return {};
}

std::uint32_t FleetReleases::model_of(const std::string& group) const {
  if (for_group_ && for_group_->group == group) return for_group_->model;
  return for_all_ ? for_all_->model : 0;
}

std::vector<FleetReleases::Released> FleetReleases::released() const {
  std::vector<Released> released;
  for (const std::optional<Live>* live : {&for_all_, &for_group_}) {
    if (*live) released.push_back({(*live)->model, (*live)->group});
  }
  return released;
}

const FleetReleases::Live* FleetReleases::wanted(const std::string& id) const {
  if (for_group_ && group_of_(id) == for_group_->group) return &*for_group_;
  return for_all_ ? &*for_all_ : nullptr;
}

void FleetReleases::publish_chunks() {
  for (const std::optional<Live>* live : {&for_all_, &for_group_}) {
    if (!*live) continue;
    for (Publish& chunk : release_chunks((*live)->announced)) broker_.publish(std::move(chunk));
  }
}

void FleetReleases::consider(const DeviceRow& row) {
  if (!row.takes_releases || devices_.is_revoked(row.id)) return;
  const Live* live = wanted(row.id);
  if (live == nullptr || row.release >= live->announced.number || row.release_refused == live->announced.number) return;
  broker_.publish(release_announcement(live->announced, row.id, devices_.key_of(row.id)));
}

Result<void> FleetReleases::announce_to_all() {
  std::string after;
  for (;;) {
    const auto devices = store_.devices(after, kPage);
    if (!devices) return devices.error();
    for (const FleetDevice& device : *devices) consider(device.row);
    if (devices->size() < kPage) return {};
    after = devices->back().row.id;
  }
}

}  // namespace skink::coordinator
