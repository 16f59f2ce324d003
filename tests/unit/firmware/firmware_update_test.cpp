/// @file
/// Firmware that the platform brings, held against the release that was signed.

#include <catch2/catch.hpp>
#include <cstring>
#include <string>
#include <vector>

#include "fakes/release_signer.hpp"
#include "skink/common/little_endian.hpp"
#include "skink/firmware_update.h"

using namespace skink;
using namespace skink::test;
using provisioning::ReleaseKind;

namespace {

using Content = std::vector<std::uint8_t>;

Content image_of(std::size_t bytes) {
  Content image(bytes);
  for (std::size_t i = 0; i < bytes; ++i) image[i] = static_cast<std::uint8_t>(i * 37 + (i >> 8));
  return image;
}

Bytes view(const Content& content) { return {content.data(), content.size()}; }
skink_bytes c_view(Bytes bytes) { return {bytes.data(), bytes.size()}; }

/// A platform's place for the next firmware.
struct Slot {
  static Slot& of(void* context) { return *static_cast<Slot*>(context); }
  skink_firmware_slot hooks() {
    skink_firmware_slot slot{};
    slot.context = this;
    slot.begin = [](void* context, const skink_firmware_offer* told) {
      of(context).log += "begin ";
      of(context).offer = *told;
      return of(context).refuses == "begin" ? 1 : 0;
    };
    slot.write = [](void* context, std::uint32_t offset, const std::uint8_t* bytes, std::size_t count) {
      if (of(context).refuses == "write" && offset > 100) return 1;
      REQUIRE(offset == of(context).image.size());
      of(context).image.insert(of(context).image.end(), bytes, bytes + count);
      return 0;
    };
    slot.finish = [](void* context, const skink_firmware_offer* /*offer*/) {
      of(context).log += "finish ";
      return of(context).refuses == "finish" ? 1 : 0;
    };
    slot.abort = [](void* context) { of(context).log += "abort "; };
    return slot;
  }
  Content image;
  std::string log, refuses;
  skink_firmware_offer offer{};
};

struct Scene {
  Content release(std::uint32_t number, ReleaseKind kind = ReleaseKind::kFirmware) const {
    Content file = signer.header(number, view(image), kind);
    file.insert(file.end(), image.begin(), image.end());
    return file;
  }
  /// In pieces; the first status that is not SKINK_OK.
  skink_status bring(const Content& file, std::size_t piece = 97, std::uint32_t installed = 4) {
    const skink_firmware_slot hooks = slot.hooks();
    REQUIRE(skink_firmware_begin(&update, c_view(signer.key()), installed, &hooks) == SKINK_OK);
    for (std::size_t at = 0; at < file.size(); at += piece) {
      const std::size_t count = std::min(piece, file.size() - at);
      const skink_status status = skink_firmware_take(&update, file.data() + at, count);
      if (status != SKINK_OK) return status;
    }
    return SKINK_OK;
  }

  ReleaseSigner signer;
  Content image = image_of(3000);
  Slot slot;
  skink_firmware_update update{};
};

}  // namespace

TEST_CASE("firmware update: what was signed reaches the slot, in pieces of any size", "[firmware][update]") {
  Scene scene;
  const std::size_t piece = GENERATE(1U, 7U, 143U, 144U, 145U, 1000U, 100000U);
  CHECK(scene.bring(scene.release(5), piece) == SKINK_OK);
  CHECK(skink_firmware_is_whole(&scene.update) == 1);
  CHECK(scene.slot.log == "begin finish ");
  CHECK(scene.slot.image == scene.image);
  CHECK(scene.slot.offer.number == 5);
  CHECK(scene.slot.offer.bytes == scene.image.size());
  CHECK(std::string(scene.slot.offer.name) == "bench");
  skink_firmware_stop(&scene.update);
  CHECK(scene.slot.log == "begin finish ");  // whole is whole
  const std::uint8_t more[] = {0};
  CHECK(skink_firmware_take(&scene.update, more, 1) == SKINK_INVALID_ARGUMENT);
  CHECK(skink_firmware_is_whole(&scene.update) == 1);
}

TEST_CASE("firmware update: any changed bit is refused, and nothing is started", "[firmware][update]") {
  Scene scene;
  const Content good = scene.release(5);
  for (std::size_t bit = 0; bit < 8 * good.size(); bit += bit < 8 * 160 ? 3 : 401) {
    INFO("bit " << bit);
    Content bad = good;
    bad[bit / 8] = static_cast<std::uint8_t>(bad[bit / 8] ^ (1U << (bit % 8)));
    scene.slot = Slot();
    const skink_status status = scene.bring(bad);
    REQUIRE(status != SKINK_OK);
    CHECK(skink_firmware_is_whole(&scene.update) == 0);
    CHECK(scene.slot.log == (bit / 8 < provisioning::kReleaseHeaderBytes ? "" : "begin abort "));
    CHECK(skink_firmware_take(&scene.update, good.data(), good.size()) == SKINK_UNAVAILABLE);
  }
}

TEST_CASE("firmware update: refusals, by reason", "[firmware][update]") {
  Scene scene;
  CHECK(scene.bring(scene.release(4)) == SKINK_INVALID_ARGUMENT);  // installed
  CHECK(scene.bring(scene.release(3)) == SKINK_INVALID_ARGUMENT);
  CHECK(scene.bring(scene.release(9, ReleaseKind::kModel)) == SKINK_UNSUPPORTED);
  CHECK(scene.bring(Content(4000, 0xff)) == SKINK_DAMAGED);
  CHECK(scene.bring(Content(4000, 0x00)) == SKINK_DAMAGED);
  CHECK(scene.bring(Scene().release(5)) == SKINK_WRONG_AUTHENTICATION);  // somebody else's key
  CHECK(scene.slot.log.empty());
  Content longer = scene.release(5);
  longer.push_back(0);
  CHECK(scene.bring(longer, longer.size()) == SKINK_INVALID_ARGUMENT);
  CHECK(scene.slot.log == "begin abort ");
  for (const char* what : {"begin", "write", "finish"}) {
    scene.slot = Slot();
    scene.slot.refuses = what;
    CHECK(scene.bring(scene.release(5)) == SKINK_UNAVAILABLE);
    CHECK(skink_firmware_is_whole(&scene.update) == 0);
    CHECK((scene.slot.log.find("abort") != std::string::npos) == (scene.slot.refuses != "begin"));
  }
  skink_firmware_slot none{};
  CHECK(skink_firmware_begin(&scene.update, c_view(scene.signer.key()), 0, &none) == SKINK_INVALID_ARGUMENT);
}

TEST_CASE("firmware update: one that ends early is told to the slot once", "[firmware][update]") {
  Scene scene;
  Content part = scene.release(5);
  part.resize(part.size() - 1);
  CHECK(scene.bring(part) == SKINK_OK);
  CHECK(skink_firmware_is_whole(&scene.update) == 0);
  skink_firmware_stop(&scene.update);
  skink_firmware_stop(&scene.update);
  CHECK(scene.slot.log == "begin abort ");
}

// ---- an image of MCUboot --------------------------------------------------------------------------------------------

namespace {

/// As MCUboot's documentation lays it out: header, payload, an area of protected entries, an area of others.
struct Mcuboot {
  explicit Mcuboot(const Content& of) : payload(of) {}
  Content file() const {
    Content out(header_bytes, 0);
    store_u32(out.data(), 0x96f3b83d);
    store_u16(out.data() + 8, header_bytes);
    store_u16(out.data() + 10,
              static_cast<std::uint16_t>(protected_entries.empty() ? 0 : 4 + protected_entries.size()));
    store_u32(out.data() + 12, claimed_bytes == 0 ? static_cast<std::uint32_t>(payload.size()) : claimed_bytes);
    out.insert(out.end(), payload.begin(), payload.end());
    add_area(out, 0x6908, protected_entries);
    add_area(out, 0x6907, entries);
    out.resize(slot_bytes, 0xff);
    return out;
  }
  static void add(Content& area, std::uint16_t type, const Content& value) {
    const std::size_t at = area.size();
    area.resize(at + 4);
    store_u16(area.data() + at, type);
    store_u16(area.data() + at + 2, static_cast<std::uint16_t>(value.size()));
    area.insert(area.end(), value.begin(), value.end());
  }
  static void add_area(Content& out, std::uint16_t magic, const Content& entries) {
    if (entries.empty()) return;
    const std::size_t at = out.size();
    out.resize(at + 4);
    store_u16(out.data() + at, magic);
    store_u16(out.data() + at + 2, static_cast<std::uint16_t>(4 + entries.size()));
    out.insert(out.end(), entries.begin(), entries.end());
  }
  Content payload;
  Content protected_entries, entries;
  std::uint16_t header_bytes = 512;
  std::uint32_t claimed_bytes = 0;
  std::size_t slot_bytes = 8192;
};

skink_status check(const Content& file, const Scene& scene, skink_firmware_offer* offer = nullptr) {
  skink_flash flash{};
  flash.context = const_cast<Content*>(&file);
  flash.sector_bytes = 4096;
  flash.sectors = static_cast<std::uint32_t>(file.size() / 4096);
  flash.read = [](void* context, std::uint32_t address, std::uint8_t* out, std::size_t count) {
    const Content& content = *static_cast<const Content*>(context);
    REQUIRE(address + count <= content.size());
    std::memcpy(out, content.data() + address, count);
    return 0;
  };
  return skink_firmware_check_mcuboot(&flash, c_view(scene.signer.key()), 4, offer);
}

}  // namespace

TEST_CASE("firmware update: an image in MCUboot's slot is held against the manifest in it", "[firmware][update]") {
  const Scene scene;
  const Content manifest = scene.signer.header(5, view(scene.image), ReleaseKind::kFirmware);
  Mcuboot image(scene.image);
  const bool is_protected = GENERATE(true, false);
  Mcuboot::add(is_protected ? image.protected_entries : image.entries, 0x50, Content(4, 1));
  Mcuboot::add(is_protected ? image.protected_entries : image.entries, 0x00a0, manifest);
  Mcuboot::add(image.entries, 0x10, Content(32, 7));
  skink_firmware_offer offer{};
  REQUIRE(check(image.file(), scene, &offer) == SKINK_OK);
  CHECK(offer.number == 5);
  CHECK(offer.bytes == scene.image.size());

  SECTION("another payload") {
    image.payload[1234] ^= 1;
    CHECK(check(image.file(), scene) == SKINK_DAMAGED);
  }
  SECTION("a payload of another length") {
    image.payload.push_back(0);
    CHECK(check(image.file(), scene) == SKINK_DAMAGED);
  }
  SECTION("a manifest of somebody else") { CHECK(check(image.file(), Scene()) == SKINK_WRONG_AUTHENTICATION); }
  SECTION("a length beyond the slot, and beyond 32 bits") {
    for (const std::uint32_t claimed : {8192U, 0xffffffffU, 0xfffffe00U}) {
      image.claimed_bytes = claimed;
      CHECK(check(image.file(), scene) == SKINK_DAMAGED);
    }
  }
  SECTION("no image") { CHECK(check(Content(8192, 0xff), scene) == SKINK_DAMAGED); }
}

TEST_CASE("firmware update: an image of MCUboot without a manifest, or with a broken one", "[firmware][update]") {
  const Scene scene;
  Mcuboot image(scene.image);
  CHECK(check(image.file(), scene) == SKINK_UNAVAILABLE);
  Mcuboot::add(image.entries, 0x10, Content(32, 7));
  CHECK(check(image.file(), scene) == SKINK_UNAVAILABLE);
  Mcuboot::add(image.entries, 0x00a0, Content(143, 7));  // of another size
  CHECK(check(image.file(), scene) == SKINK_UNAVAILABLE);
  // Entries that claim to be longer than their area, at every place where a slot can end.
  Mcuboot longer(scene.image);
  Mcuboot::add(longer.entries, 0x00a0, scene.signer.header(5, view(scene.image), ReleaseKind::kFirmware));
  Content file = longer.file();
  const std::size_t area = 512 + scene.image.size();
  for (std::size_t at = area; at < area + 8; ++at) {
    for (const std::uint8_t value : {std::uint8_t{0}, std::uint8_t{0x7f}, std::uint8_t{0xff}}) {
      Content changed = file;
      changed[at] = value;
      (void)check(changed, scene);  // any status; nothing beyond the slot is read
    }
  }
}
