/// @file
/// Credentials that are renewed: what a device connects with, wherever the power goes and whatever comes.

#include "skink/firmware/credential_store.hpp"

#include <catch2/catch.hpp>
#include <memory>
#include <random>
#include <string>

#include "fakes/client_bench.hpp"
#include "fakes/fake_flash.hpp"
#include "fakes/release_signer.hpp"

using namespace skink;
using namespace skink::test;
using firmware::CredentialStore;
using wire::Refusal;

namespace {

std::string text_of(Bytes bytes) { return {bytes.begin(), bytes.end()}; }
Bytes view(const std::string& text) { return {reinterpret_cast<const std::uint8_t*>(text.data()), text.size()}; }

/// Keys are "key 1", "key 2", ...; a request is "?" and the key, a certificate "!" and the key.
struct FakeKeys {
  firmware::KeyService service() {
    firmware::KeyService keys;
    keys.context = this;
    keys.make = [](void* context, Span<const char> id, MutableBytes key, std::size_t& key_bytes, MutableBytes request,
                   std::size_t& request_bytes) {
      auto& self = *static_cast<FakeKeys*>(context);
      REQUIRE(std::string(id.begin(), id.end()) == "bench-1");
      if (self.status != Status::kOk) return self.status;
      const std::string made = "key " + std::to_string(++self.count);
      std::memcpy(key.data(), made.data(), key_bytes = made.size());
      const std::string asked = "?" + made;
      std::memcpy(request.data(), asked.data(), request_bytes = asked.size());
      return Status::kOk;
    };
    keys.check = [](void* /*context*/, const firmware::CertificateToCheck& what) {
      return text_of(what.certificate) == "!" + text_of(what.key) ? Status::kOk : Status::kWrongAuthentication;
    };
    return keys;
  }
  int count = 0;
  Status status = Status::kOk;
};

/// A device's store on its flash, and what a coordinator sends it.
struct Scene {
  Scene() : flash(4096, 2, 8) { start(); }

  void start() {
    store = std::make_unique<CredentialStore>();
    firmware::CredentialConfig config;
    config.device_id = coordinator.identity.device_id;
    config.key = coordinator.identity.key;
    config.factory = {view(factory_authority), view(factory_certificate), view(factory_key)};
    config.release_key = signer.key();
    config.keys = keys.service();
    REQUIRE(store->open(flash.flash, 0, 1, config) == Status::kOk);
  }

  /// The broker takes what the device connects with.
  void connect(std::uint64_t now_ms = 0) {
    store->on_connected(now_ms);
    edge::Action action;
    REQUIRE(store->next_action(action));
    CHECK(action.kind == edge::ActionKind::kSubscribe);
    CHECK(action.topic == wire::TopicKind::kRenewal);
  }

  void give(const wire::Renewal& renewal) {
    std::size_t written = 0;
    REQUIRE(wire::encode_renewal(renewal, coordinator.identity, store->message(), written) == Status::kOk);
    store->on_renewal(written);
  }
  void ask(std::uint32_t number, const std::string& certificate = "", const std::string& authorities = "") {
    give({number, view(authorities), view(certificate)});
  }

  /// The answer that is due. False: none is.
  bool answer(wire::Credentials& said) {
    edge::Action action;
    if (!store->next_action(action)) return false;
    REQUIRE(action.kind == edge::ActionKind::kPublish);
    REQUIRE(action.topic == wire::TopicKind::kCredentials);
    REQUIRE(action.retain);
    said_bytes.assign(action.payload.begin(), action.payload.end());
    REQUIRE(wire::decode_credentials({said_bytes.data(), said_bytes.size()}, coordinator.identity, said) ==
            Status::kOk);
    store->on_published();
    return true;
  }
  wire::Credentials answer() {
    wire::Credentials said;
    REQUIRE(answer(said));
    return said;
  }

  std::string authorities(std::uint32_t number, const std::string& content,
                          provisioning::ReleaseKind kind = provisioning::ReleaseKind::kAuthorities) const {
    const auto header = signer.header(number, view(content), kind);
    return std::string(header.begin(), header.end()) + content;
  }
  std::string certificate() const { return text_of(store->in_use().certificate); }
  std::string trusted() const { return text_of(store->in_use().authorities); }

  FakeFlash flash;
  ClientBench coordinator;
  ReleaseSigner signer;
  FakeKeys keys;
  std::string factory_authority = "factory's authority", factory_certificate = "factory's certificate",
              factory_key = "factory's key";
  Message said_bytes;
  std::unique_ptr<CredentialStore> store;
};

std::uint64_t name_of(const std::string& certificate) { return crypto::prefix_of(crypto::sha256(view(certificate))); }

TEST_CASE("credentials: a renewal from the question to the connection with the new ones, over resets",
          "[credentials]") {
  Scene scene;
  CHECK(scene.certificate() == scene.factory_certificate);
  scene.connect();
  wire::Credentials said;
  CHECK_FALSE(scene.answer(said));  // nobody has asked
  scene.ask(1);
  said = scene.answer();
  CHECK(said.number == 1);
  CHECK(text_of(said.request) == "?key 1");
  CHECK(said.certificate == name_of(scene.factory_certificate));
  CHECK_FALSE(scene.store->wants_reconnection());

  scene.start();  // the request is in flash
  scene.connect();
  scene.ask(1);
  said = scene.answer();
  CHECK(text_of(said.request) == "?key 1");
  scene.ask(1, "!key 1");
  CHECK_FALSE(scene.answer(said));  // the next connection is the answer
  CHECK(scene.store->wants_reconnection());
  CHECK(scene.certificate() == "!key 1");

  scene.start();  // so is the certificate
  CHECK(scene.certificate() == "!key 1");
  CHECK(text_of(scene.store->in_use().private_key) == "key 1");
  CHECK(scene.trusted() == scene.factory_authority);
  scene.connect();
  CHECK(scene.store->renewals() == 1);
  CHECK_FALSE(scene.store->wants_reconnection());
  scene.ask(1, "!key 1");
  said = scene.answer();
  CHECK(said.request.empty());
  CHECK(said.certificate == name_of("!key 1"));
  CHECK(said.reason == Refusal::kNone);
  scene.start();
  CHECK(scene.certificate() == "!key 1");
  CHECK(scene.flash.erasures[0] + scene.flash.erasures[1] == 3);  // as the contract says
}

TEST_CASE("credentials: while the broker refuses the new ones, both are tried in turn", "[credentials]") {
  Scene scene;
  scene.connect();
  scene.ask(1);
  (void)scene.answer();
  scene.ask(1, "!key 1");
  scene.store->on_disconnected();
  std::string tried;
  for (int i = 0; i < 9; ++i) {
    tried += scene.certificate() == "!key 1" ? 'n' : 'o';
    scene.store->on_failed();
  }
  CHECK(tried == "nnnooonnn");
  CHECK(scene.certificate() == scene.factory_certificate);
  scene.connect(1000);  // with the old ones: the new ones are tried again in an hour
  CHECK_FALSE(scene.store->wants_reconnection());
  CHECK(scene.store->next_wake_ms() == 1000 + 3'600'000);
  scene.ask(1, "!key 1");
  CHECK(scene.answer().certificate == name_of(scene.factory_certificate));
  scene.store->on_time(1000 + 3'600'000);
  CHECK(scene.store->wants_reconnection());
  CHECK(scene.certificate() == "!key 1");
  scene.store->on_disconnected();
  scene.connect();
  CHECK(scene.certificate() == "!key 1");
  CHECK(scene.store->renewals() == 1);
}

TEST_CASE("credentials: whom to trust changes with the release key's word only, and never back", "[credentials]") {
  Scene scene;
  scene.connect();
  scene.ask(1, "", scene.authorities(2, "two authorities"));
  CHECK(scene.trusted() == scene.factory_authority);  // not before the certificate
  (void)scene.answer();
  scene.ask(1, "!key 1", scene.authorities(2, "two authorities"));
  CHECK(scene.trusted() == "two authorities");
  scene.store->on_disconnected();
  scene.connect();
  scene.ask(1, "!key 1");
  CHECK(scene.answer().authorities == 2);

  std::string authorities = scene.authorities(3, "others");
  Refusal expected = Refusal::kWrongSignature;
  SECTION("another signature") { authorities[100] = static_cast<char>(authorities[100] ^ 1); }
  SECTION("another content") { authorities.back() = 'x'; }
  SECTION("a model") { authorities = scene.authorities(3, "others", provisioning::ReleaseKind::kModel); }
  SECTION("nothing at all") { authorities = "x"; }
  SECTION("an older number") {
    authorities = scene.authorities(1, "others");
    expected = Refusal::kOlderRelease;
  }
  scene.ask(2, "", authorities);
  const wire::Credentials said = scene.answer();
  CHECK(said.number == 2);
  CHECK(said.reason == expected);
  CHECK(said.request.empty());
  CHECK(scene.certificate() == "!key 1");
  CHECK(scene.trusted() == "two authorities");
  CHECK_FALSE(scene.store->wants_reconnection());
  scene.start();
  CHECK(scene.trusted() == "two authorities");
  scene.connect();
  scene.ask(3);  // and it goes on
  CHECK(text_of(scene.answer().request) == "?key 2");
}

TEST_CASE("credentials: what is wrong is refused or ignored, and changes nothing", "[credentials]") {
  Scene scene;
  scene.connect();
  wire::Credentials said;
  SECTION("a wrong code") {
    std::size_t written = 0;
    REQUIRE(wire::encode_renewal({1, {}, {}}, scene.coordinator.identity, scene.store->message(), written) ==
            Status::kOk);
    scene.store->message()[0] ^= 1;
    scene.store->on_renewal(written);
    CHECK_FALSE(scene.answer(said));
  }
  SECTION("another one's certificate") {
    scene.ask(1);
    (void)scene.answer();
    scene.ask(1, "!key 7");
    said = scene.answer();
    CHECK(said.reason == Refusal::kWrongCertificate);
    CHECK(text_of(said.request) == "?key 1");  // it still stands
    scene.ask(1, "!key 1");
    CHECK(scene.certificate() == "!key 1");
    return;
  }
  SECTION("a lower number is answered with the last one") {
    scene.ask(5);
    (void)scene.answer();
    scene.ask(3, "!key 1");
    said = scene.answer();
    CHECK(said.number == 5);
  }
  SECTION("it cannot make a key") {
    scene.keys.status = Status::kUnavailable;
    scene.ask(1);
    CHECK(scene.answer().reason == Refusal::kStorageFailed);
  }
  SECTION("the flash fails") {
    scene.flash.steps_left = 0;
    scene.ask(1);
    CHECK(scene.answer().reason == Refusal::kStorageFailed);
    scene.flash.power_on();
  }
  SECTION("withdrawn") {
    scene.ask(1);
    scene.store->on_renewal(0);
    CHECK_FALSE(scene.answer(said));
  }
  CHECK(scene.certificate() == scene.factory_certificate);
  CHECK_FALSE(scene.store->wants_reconnection());
}

TEST_CASE("credentials: a flash that fails takes away nothing that is kept", "[credentials]") {
  Scene scene;
  scene.connect();
  scene.ask(1);
  (void)scene.answer();
  scene.ask(1, "!key 1");
  scene.store->on_disconnected();
  scene.connect();
  REQUIRE(scene.certificate() == "!key 1");
  for (std::uint32_t cell = 0; cell < 2 * 4096; ++cell) scene.flash.stuck.insert(cell);
  scene.ask(2);
  scene.flash.stuck.clear();
  CHECK(scene.certificate() == "!key 1");
  CHECK(scene.answer().reason == Refusal::kStorageFailed);
  scene.ask(2);  // what it has is still known
  CHECK(text_of(scene.answer().request).front() == '?');
  CHECK(scene.certificate() == "!key 1");
  scene.start();
  CHECK(scene.certificate() == "!key 1");
}

TEST_CASE("credentials: a device with another identity begins anew", "[credentials]") {
  Scene scene;
  scene.connect();
  scene.ask(1);
  (void)scene.answer();
  scene.ask(1, "!key 1");
  scene.factory_certificate = "another certificate";
  scene.start();
  CHECK(scene.certificate() == "another certificate");
}

/// Plays until the renewal is done or the power goes. The broker lets in who has an issued certificate, or the
/// factory's.
bool play(Scene& scene, std::string& issued) {
  const std::string authorities = scene.authorities(1, "authorities");
  for (int turn = 0; turn < 20 && scene.flash.has_power(); ++turn) {
    REQUIRE((scene.certificate() == scene.factory_certificate || scene.certificate() == issued));
    scene.connect();
    scene.ask(1, issued, authorities);
    wire::Credentials said;
    if (!scene.answer(said)) continue;
    if (!said.request.empty()) {
      issued = "!" + text_of(said.request).substr(1);
      scene.ask(1, issued, authorities);
    } else if (said.certificate == name_of(issued) && said.reason == Refusal::kNone) {
      return true;
    }
    scene.store->on_disconnected();
  }
  return false;
}

/// A renewal over starts that the power ends at random moments, and one that it does not. @returns how often it went
int renew_with_cuts(bool has_ecc, std::mt19937& random) {
  Scene scene;
  scene.flash.has_ecc = has_ecc;
  std::string issued;
  bool is_done = false;
  int cuts = 0;
  for (int start = 0; start < 3 && !is_done; ++start) {
    scene.flash.steps_left = 1 + random() % 1700;
    is_done = play(scene, issued);
    if (!scene.flash.has_power()) ++cuts;
    scene.flash.power_on();
    scene.start();
  }
  CAPTURE(has_ecc, issued);
  if (!is_done) REQUIRE(play(scene, issued));
  scene.start();
  REQUIRE(scene.certificate() == issued);
  REQUIRE(scene.trusted() == "authorities");
  return cuts;
}

TEST_CASE("credentials: the power goes at 1,000 moments of a renewal, and it is done all the same", "[credentials]") {
  std::mt19937 random(7);
  for (int cuts = 0; cuts < 1000;) cuts += renew_with_cuts(false, random);
}

TEST_CASE("flash with ECC: a renewal is done after 10,000 torn writes", "[credentials][ecc]") {
  std::mt19937 random(8);
  for (int cuts = 0; cuts < 10'000;) cuts += renew_with_cuts(true, random);
}

TEST_CASE("credentials: a slot that is too small is said", "[credentials]") {
  FakeFlash flash(2048, 2, 8);
  CredentialStore store;
  firmware::CredentialConfig config;
  config.device_id = "bench-1";
  CHECK(store.open(flash.flash, 0, 1, config) == Status::kBufferTooSmall);
}

}  // namespace
