#include "skink/coordinator/service/fleet_releases.hpp"

#include <utility>

#include "skink/coordinator/core/chain_messages.hpp"
#include "skink/coordinator/core/model_messages.hpp"

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
  live.announced.chunk_bytes = chunk_bytes_;
  live.announced.seed = row.seed;
  live.announced.inner_learning_rate = row.inner_learning_rate;
  live.announced.passes = row.passes;
  live.announced.batch_size = row.batch_size;
  if (!crypto::from_hex(row.sha256.data(), row.sha256.size(), live.announced.model)) {
    return make_error(Status::kDamaged, "the hash of model " + std::to_string(row.model) + " is none");
  }
  live.patches = patches_to_(row.model);
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
  chain_sent_.clear();
  for (const std::optional<Live>* live : {&for_all_, &for_group_}) {
    if (!*live) continue;
    for (Publish& chunk : release_chunks((*live)->announced)) broker_.publish(std::move(chunk));
  }
}

bool FleetReleases::publishes(std::uint32_t slot, std::uint32_t chunk) const {
  for (const std::optional<Live>* live : {&for_all_, &for_group_}) {
    if (!*live || (*live)->announced.slot != slot) continue;
    if (chunk < chunk_count((*live)->announced.file.size(), chunk_bytes_)) return true;
  }
  return false;
}

void FleetReleases::consider(const DeviceRow& row) {
  if (!row.takes_releases || devices_.is_revoked(row.id)) return;
  const Live* live = wanted(row.id);
  if (live == nullptr || row.release >= live->announced.number) return;
  if (row.release_refused == live->announced.number) {
    const bool had_no_room = row.release_reason == static_cast<std::uint32_t>(wire::Refusal::kDoesNotFit);
    if (!had_no_room || std::exchange(tried_again_[row.id], live->announced.number) == live->announced.number) return;
  }
  const ReleaseChain chain = chain_for(*live, row);
  broker_.publish(release_announcement(live->announced, chain, row.id, devices_.key_of(row.id)));
  const KnownDevice* known = devices_.find(row.id);
  const bool is_there = known != nullptr && known->presence.online && broker_.is_connected();
  if (chain.bytes.empty() || !is_there) return;  // the broker keeps no chain
  for (Publish& part : chain_messages(row.id, live->announced.model, chain.bytes, chunk_bytes_))
    broker_.publish(std::move(part));
  chain_sent_[row.id] = live->announced.number;
}

/// From the model of the rounds that it has, or from the release that it keeps. One that was sent and of which it has
/// not made the model is not sent again: chunks do not depend on what else it has.
ReleaseChain FleetReleases::chain_for(const Live& live, const DeviceRow& row) const {
  const auto sent = chain_sent_.find(row.id);
  const bool was_sent = sent != chain_sent_.end() && sent->second == live.announced.number;
  if (!live.patches || was_sent) return {};
  const KnownDevice* known = devices_.find(row.id);
  const std::optional<crypto::Digest> base = known != nullptr ? known->base : std::nullopt;
  if (base && *base == live.announced.model) return {};  // it copies that
  const crypto::Digest* kept = live.patches->find(row.release_model);
  for (const crypto::Digest* from : {base ? &*base : nullptr, kept}) {
    if (from == nullptr) continue;
    std::vector<std::uint8_t> chain = live.patches->chain_from(*from);
    if (!chain.empty()) return {crypto::prefix_of(*from), std::move(chain)};
  }
  return {};
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
