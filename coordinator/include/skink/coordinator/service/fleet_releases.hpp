#pragma once
/// @file
/// The releases of a fleet at its broker: which one each device shall use, and telling it. Two are announced at a time:
/// the latest for all, and the latest for one group if that is newer (a canary).

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "skink/coordinator/core/device_book.hpp"
#include "skink/coordinator/core/release_messages.hpp"
#include "skink/coordinator/service/broker_link.hpp"
#include "skink/coordinator/store/fleet_store.hpp"
#include "skink/rounds/downlink.hpp"

namespace skink::coordinator {

/// Borrows all of them.
class FleetReleases {
 public:
  /// The group of a device, as the operator said.
  using GroupOf = std::function<std::string(const std::string& id)>;
  /// The steps of its run that lead to a model; null: it has none that are kept.
  using PatchesTo = std::function<std::optional<rounds::PatchBook>(std::uint32_t model)>;
  /// `chunk_bytes`: CoordinatorConfig::model_chunk_bytes.
  FleetReleases(FleetStore& store, DeviceBook& devices, BrokerLink& broker, std::uint32_t chunk_bytes, GroupOf group_of,
                PatchesTo patches_to)
      : store_(store),
        devices_(devices),
        broker_(broker),
        chunk_bytes_(chunk_bytes),
        group_of_(std::move(group_of)),
        patches_to_(std::move(patches_to)) {}

  /// Reads what is released. Errors: the store failed.
  Result<void> read();
  /// What a new release for this group would have as its slot at the broker.
  std::uint32_t free_slot() const { return for_all_ ? 1 - for_all_->slot : 0; }
  /// The model that the devices of this group have been told to use; 0: none.
  std::uint32_t model_of(const std::string& group) const;
  /// A model that devices are told to use.
  struct Released {
    std::uint32_t model = 0;
    std::string group;  ///< empty: all
  };
  /// For all first.
  std::vector<Released> released() const;
  /// Publishes the chunks of what is released: the broker may have forgotten them. To be called with each connection.
  void publish_chunks();
  /// Is this chunk one that a broker keeps now?
  bool publishes(std::uint32_t slot, std::uint32_t chunk) const;
  /// Tells every known device that lacks it, also those that are away. Errors: the store failed.
  Result<void> announce_to_all();
  /// What a device says of itself: it is told what it lacks. A release that it has no room for is announced once more:
  /// its chunks may have had another size.
  void consider(const DeviceRow& row);

 private:
  /// A release and who shall use it.
  struct Live {
    std::uint32_t model = 0;
    std::uint32_t slot = 0;
    std::string group;
    AnnouncedRelease announced;
    std::optional<rounds::PatchBook> patches;
  };
  Result<Live> live_of(const ReleaseRow& row) const;
  const Live* wanted(const std::string& id) const;
  ReleaseChain chain_for(const Live& live, const DeviceRow& row) const;

  FleetStore& store_;
  DeviceBook& devices_;
  BrokerLink& broker_;
  std::uint32_t chunk_bytes_;
  GroupOf group_of_;
  PatchesTo patches_to_;
  std::map<std::string, std::uint32_t> chain_sent_;   // by device: of which release, since the connection was made
  std::map<std::string, std::uint32_t> tried_again_;  // by device: which release, which it had no room for
  std::optional<Live> for_all_;
  std::optional<Live> for_group_;  // newer than that for all
};

}  // namespace skink::coordinator
