/// Releases from `skinkctl release sign` to a device's store.

#include "skink/firmware/model_release.hpp"

#include <openssl/pem.h>

#include <catch2/catch.hpp>
#include <vector>

#include "fakes/fake_flash.hpp"
#include "skink/common/model/model_file.hpp"
#include "skink/coordinator/provisioning/release_signing.hpp"
#include "skink/host/files/files.hpp"
#include "unit/common/nn/nets.hpp"
#include "unit/host/temporary_folder.hpp"

namespace skink::firmware {
namespace {

using test::FakeFlash;
using test::TemporaryFolder;

std::string model_file(float first) {
  model::Model model;
  model.network = test::build(test::sine_net());
  std::vector<float> parameters(model.network.parameter_count(), 0.5F);
  parameters[0] = first;
  std::string file(model::model_bytes(model.network, model.input.count), '\0');
  crypto::Digest digest;
  const Status status = model::encode(model, {parameters.data(), parameters.size()},
                                      {reinterpret_cast<std::uint8_t*>(file.data()), file.size()}, digest);
  REQUIRE(status == Status::kOk);
  return file;
}

/// A folder of keys, and what it signs.
struct Signer {
  std::string sign(const std::string& content, provisioning::ReleaseKind kind = provisioning::ReleaseKind::kModel,
                   std::uint32_t number = 7) const {
    folder.write("content", content);
    const auto done = provisioning::sign_release(
        {folder.path(), folder.file("content"), kind, "pump", number, folder.file("release")});
    if (!done) FAIL(done.error().message);
    return read_file(folder.file("release")).value();
  }
  /// The public key as devices have it.
  std::vector<std::uint8_t> key() const {
    const std::string pem = read_file(folder.file("release.pub")).value();
    BIO* memory = BIO_new_mem_buf(pem.data(), static_cast<int>(pem.size()));
    EVP_PKEY* key = PEM_read_bio_PUBKEY(memory, nullptr, nullptr, nullptr);
    std::vector<std::uint8_t> point(65);
    std::size_t size = 0;
    REQUIRE(EVP_PKEY_get_octet_string_param(key, "pub", point.data(), point.size(), &size) == 1);
    EVP_PKEY_free(key);
    BIO_free(memory);
    return point;
  }
  TemporaryFolder folder;
};

struct Board {
  Board() {
    REQUIRE(store.open(flash.flash, 0, 12) == Status::kOk);
    REQUIRE(releases.open(flash.flash, 24, 12) == Status::kOk);
  }
  Status take(const std::string& partition, const std::vector<std::uint8_t>& key) {
    return take_release(bytes_of(partition), {key.data(), key.size()}, store, releases, release);
  }
  FakeFlash flash{512, 48, 8};
  ModelStore store;
  ModelStore releases;
  provisioning::Release release;
};

crypto::Digest hash_of(const std::string& model) {
  const Bytes bytes = bytes_of(model);
  model::ModelInfo info;
  REQUIRE(model::inspect(model::source_of(bytes), info) == Status::kOk);
  return info.digest;
}

TEST_CASE("release: a signed model becomes the first model of a device", "[firmware][release]") {
  const Signer signer;
  const std::string model = model_file(1.0F);
  const std::string partition = signer.sign(model) + std::string(300, '\xff');
  Board board;
  REQUIRE(board.take(partition, signer.key()) == Status::kOk);
  CHECK(std::string(board.release.name.data(), board.release.name.size()) == "pump");
  CHECK(board.release.number == 7);
  REQUIRE(board.store.has_model());
  CHECK(board.store.digest() == hash_of(model));
  std::vector<std::uint8_t> kept(board.store.model_bytes());
  REQUIRE(board.store.read(0, {kept.data(), kept.size()}) == Status::kOk);
  CHECK(std::string(kept.begin(), kept.end()) == model);

  SECTION("and stays the last one when a model was learned since") {
    const std::string next = signer.sign(model_file(2.0F));
    CHECK(board.take(next, signer.key()) == Status::kOk);
    CHECK(board.store.digest() == hash_of(model));
  }
}

TEST_CASE("release: the one of the partition is kept, and an older one never takes its place", "[firmware][release]") {
  const Signer signer;
  Board board;
  const auto kind = provisioning::ReleaseKind::kModel;
  const std::string first = signer.sign(model_file(1.0F), kind, 7);
  const auto key = signer.key();
  REQUIRE(board.take(first, key) == Status::kOk);
  CHECK(board.releases.number() == 7);
  CHECK(board.releases.digest() == hash_of(model_file(1.0F)));
  CHECK(board.take(signer.sign(model_file(2.0F), kind, 6), key) == Status::kOk);
  CHECK(board.take(signer.sign(model_file(2.0F), kind, 7), key) == Status::kOk);
  CHECK(board.releases.digest() == hash_of(model_file(1.0F)));
  CHECK(board.take(signer.sign(model_file(3.0F), kind, 8), key) == Status::kOk);
  CHECK(board.releases.number() == 8);
  CHECK(board.releases.digest() == hash_of(model_file(3.0F)));
  ModelStore again;
  REQUIRE(again.open(board.flash.flash, 24, 12) == Status::kOk);
  CHECK(again.number() == 8);
  CHECK(board.store.digest() == hash_of(model_file(1.0F)));  // the rounds' model stays
}

TEST_CASE("release: a flash that fails is told from a board without a release", "[firmware][release]") {
  const Signer signer;
  const std::string partition = signer.sign(model_file(1.0F));
  Board board;
  CHECK(board.take("", signer.key()) == Status::kUnavailable);
  CHECK(board.release.content_bytes == 0);
  board.flash.steps_left = GENERATE(0U, 1U, 40U);  // begin(); erasing; programming
  CHECK(board.take(partition, signer.key()) == Status::kUnavailable);
  CHECK(board.release.content_bytes != 0);
  CHECK(board.release.number == 7);
  CHECK_FALSE(board.store.has_model());
}

TEST_CASE("release: one changed bit, anywhere, and it is refused", "[firmware][release]") {
  const Signer signer;
  const std::string sound = signer.sign(model_file(1.0F));
  const auto key = signer.key();
  Board board;
  for (std::size_t at = 0; at < provisioning::kReleaseHeaderBytes; ++at) {
    std::string bent = sound;
    bent[at] = static_cast<char>(bent[at] ^ (1 << (at % 8)));
    const Status status = board.take(bent, key);
    INFO("byte " << at << ": " << status_text(status));
    if (at < 4) {
      CHECK(status == Status::kDamaged);
    } else if (at < 6) {
      CHECK((status == Status::kNewerVersion || status == Status::kWrongAuthentication));
    } else {
      CHECK(status == Status::kWrongAuthentication);
    }
  }
  for (std::size_t at = provisioning::kReleaseHeaderBytes; at < sound.size(); at += 97) {
    std::string bent = sound;
    bent[at] = static_cast<char>(bent[at] ^ 0x10);
    CHECK(board.take(bent, key) == Status::kDamaged);
  }
  CHECK_FALSE(board.store.has_model());
}

TEST_CASE("release: what is cut off, erased, or not meant for this device is refused", "[firmware][release]") {
  const Signer signer;
  const std::string sound = signer.sign(model_file(1.0F));
  const auto key = signer.key();
  Board board;
  for (const std::size_t length : {std::size_t{1}, std::size_t{80}, provisioning::kReleaseHeaderBytes - 1,
                                   provisioning::kReleaseHeaderBytes, sound.size() - 1}) {
    CHECK(board.take(sound.substr(0, length), key) == Status::kTruncated);
  }
  CHECK(board.take("", key) == Status::kUnavailable);
  CHECK(board.take(std::string(500, '\xff'), key) == Status::kUnavailable);
  CHECK(board.take(std::string(500, '\0'), key) == Status::kUnavailable);
  CHECK(board.take(Signer().sign(model_file(1.0F)), key) == Status::kWrongAuthentication);
  CHECK(board.take(signer.sign("image", provisioning::ReleaseKind::kFirmware), key) == Status::kUnsupported);
  CHECK(board.take(sound, {}) == Status::kInvalidArgument);
  CHECK(board.take(sound, std::vector<std::uint8_t>(65, 4)) == Status::kInvalidArgument);  // not on the curve
  CHECK_FALSE(board.store.has_model());

  ModelStore small;
  FakeFlash flash(512, 8, 8);
  REQUIRE(small.open(flash.flash, 0, 4) == Status::kOk);
  provisioning::Release release;
  ModelStore none;
  CHECK(take_release(bytes_of(sound), {key.data(), key.size()}, small, none, release) == Status::kBufferTooSmall);
  ModelStore large;
  FakeFlash other(512, 24, 8);
  REQUIRE(large.open(other.flash, 0, 12) == Status::kOk);
  CHECK(take_release(bytes_of(sound), {key.data(), key.size()}, large, none, release) == Status::kOk);
  CHECK(take_release(bytes_of(sound), {key.data(), key.size()}, large, small, release) == Status::kBufferTooSmall);
}

TEST_CASE("release: what no device could load is not signed", "[firmware][release]") {
  const Signer signer;
  const std::string model = model_file(1.0F);
  const auto sign = [&signer](const std::string& content, const std::string& name) {
    signer.folder.write("content", content);
    return provisioning::sign_release({signer.folder.path(), signer.folder.file("content"),
                                       provisioning::ReleaseKind::kModel, name, 1, signer.folder.file("release")});
  };
  const auto cut = sign(model.substr(0, model.size() - 5), "pump");
  REQUIRE_FALSE(cut.has_value());
  CHECK(cut.error().code == Status::kDamaged);
  for (const std::string name : {"", "a b", "123456789012345678901234567890123"}) {
    const auto named = sign(model, name);
    REQUIRE_FALSE(named.has_value());
    CHECK(named.error().code == Status::kInvalidArgument);
  }
}

}  // namespace
}  // namespace skink::firmware
