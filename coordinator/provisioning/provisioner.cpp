#include "skink/coordinator/provisioning/provisioner.hpp"

#include <fmt/format.h>
#include <openssl/rand.h>

#include <cstring>
#include <filesystem>
#include <set>

#include "authority.hpp"
#include "release_key.hpp"
#include "request.hpp"
#include "skink/common/provisioning/identity.hpp"
#include "skink/common/provisioning/key_name.hpp"
#include "skink/common/wire/topics.hpp"
#include "skink/coordinator/provisioning/intel_hex.hpp"
#include "skink/host/files/files.hpp"
#include "skink/host/files/removed_at_end.hpp"

namespace skink::provisioning {
namespace {

namespace fs = std::filesystem;

Error invalid(const std::string& message) { return make_error(Status::kInvalidArgument, message); }

Span<const char> view(const std::string& text) { return {text.data(), text.size()}; }
Bytes view(const Der& der) { return {der.data(), der.size()}; }

/// An id is a folder and a user of the broker too, and some of these are taken.
bool is_device_id(const std::string& id) {
  return wire::is_valid_id(view(id)) && id != "." && id != ".." && id != "coordinator";
}

std::string image_path(const ProvisioningOptions& options, const std::string& id, const char* ending) {
  return options.out + "/" + id + ending;
}

std::uint64_t random_seed() {
  std::uint64_t seed = 0;
  require(RAND_bytes(reinterpret_cast<unsigned char*>(&seed), sizeof seed) == 1, "making random numbers");
  return seed;
}

/// Everything of one device, before anything of it is written.
struct NewDevice {
  Certificate certificate;
  EvpKey key;  ///< null: a secure element has it
  crypto::Key hmac_key;
  Der image;
};

/// What stands in the image in the place of a key that a secure element keeps.
Der named_key(const std::string& name) {
  Der key(kMaxNamedKeyBytes);
  key.resize(write_key_name(view(name), {key.data(), key.size()}));
  return key;
}

/// Certificates that a device had before; a revocation must find them.
Result<void> keep_replaced(const std::string& from, const std::string& to) {
  for (const std::string& path : certificates_in(from)) {
    const auto certificate = read_certificate(path);
    if (!certificate) return certificate.error();
    const std::string kept = to + "/replaced-" + serial_text(X509_get0_serialNumber(certificate->get())) + ".pem";
    auto written = write_unsynchronised(kept, pem_of(certificate->get()));
    if (!written) return written;
  }
  return {};
}

/// The public key in the request of the options, if there is one.
Result<EvpKey> requested_key(const ProvisioningOptions& options, const std::vector<std::string>& ids) {
  if (options.request.empty() && options.key_name.empty()) return EvpKey();
  std::uint8_t ignored[kMaxNamedKeyBytes];
  if (options.request.empty() || write_key_name(view(options.key_name), ignored) == 0) {
    return invalid(
        fmt::format("a request for a certificate comes with the name of its key, and the other way round: 1..{} "
                    "printable characters of ASCII",
                    kMaxKeyNameBytes));
  }
  if (ids.size() != 1) return invalid("a request for a certificate is for one device");
  const auto request = read_request(options.request);
  if (!request) return request.error();
  return key_in_request(ids[0], view(*request));
}

/// Refuses ids that cannot be provisioned: not an id, twice in the list, there already, revoked. What is there changes
/// while another program has the folder's lock.
Result<void> check_ids(const ProvisioningOptions& options, const std::vector<std::string>& ids) {
  const PkiFolder folder{options.pki};
  const auto revoked = known_revoked(folder);
  if (!revoked) return revoked.error();
  std::set<std::string> seen;
  for (const std::string& id : ids) {
    if (!is_device_id(id)) {
      return invalid("'" + id + "' is not a device id: " + wire::kIdRule + ", but none of '.', '..' and 'coordinator'");
    }
    if (!seen.insert(id).second) return invalid("'" + id + "' is named twice");
    if (revoked->count(id) != 0) {
      return invalid("'" + id + "' is revoked and stays so, for its HMAC key is a function of its id; take another id");
    }
    if (options.existing == Existing::kReplace) continue;
    for (const std::string& path :
         {folder.device(id), image_path(options, id, ".bin"), image_path(options, id, ".hex")}) {
      std::error_code code;
      if (!fs::exists(path, code)) continue;
      return invalid(
          fmt::format("'{}' exists ({}); --force makes new keys for it and leaves the old ones valid", id, path));
    }
  }
  return {};
}

}  // namespace

struct Provisioner::State {
  ProvisioningOptions options;
  PkiFolder folder;
  FolderLock lock;
  Authority authority;
  crypto::Key master_key;
  Der ca_der;
  Der release_point;
  EvpKey requested;  ///< null: keys are made here

  Result<NewDevice> prepare(const std::string& id) const;
  Result<void> write_folder(const std::string& id, const NewDevice& made) const;
};

Provisioner::Provisioner(std::unique_ptr<State> state) : state_(std::move(state)) {}
Provisioner::Provisioner(Provisioner&&) noexcept = default;
Provisioner& Provisioner::operator=(Provisioner&&) noexcept = default;
Provisioner::~Provisioner() = default;

Result<Provisioner> Provisioner::open(const ProvisioningOptions& options, const std::vector<std::string>& ids) {
  if (!wire::is_valid_id(view(options.fleet)))
    return invalid("'" + options.fleet + "' is not a fleet's name: use " + wire::kIdRule);
  auto state = std::make_unique<State>();
  state->options = options;
  state->folder = {options.pki};
  auto requested = requested_key(options, ids);
  if (!requested) return requested.error();
  state->requested = std::move(*requested);
  auto authority = Authority::open(state->folder);
  if (!authority) return authority.error();
  state->authority = std::move(*authority);
  const std::string fleet = state->authority.fleet();
  if (!fleet.empty() && fleet != options.fleet) {
    return invalid("--fleet " + options.fleet + ": " + options.pki + " is the folder of fleet '" + fleet +
                   "'; devices would look for topics that nobody serves");
  }
  const auto master_key = read_key(state->folder.master_key());
  if (!master_key) return master_key.error();
  state->master_key = *master_key;
  auto lock = lock_folder(state->folder);
  if (!lock) return lock.error();
  state->lock = std::move(*lock);
  const auto checked = check_ids(options, ids);
  if (!checked) return checked.error();
  std::error_code ignored;
  fs::remove_all(state->folder.unfinished(), ignored);  // keys of a process that was killed
  auto point = release_point(state->folder);
  if (!point) return point.error();
  state->release_point = std::move(*point);
  state->ca_der = der_of(state->authority.certificate());
  return Provisioner(std::move(state));
}

Result<NewDevice> Provisioner::State::prepare(const std::string& id) const {
  NewDevice made;
  if (requested == nullptr) made.key = generate_p256_key();
  EVP_PKEY* const certified = requested == nullptr ? made.key.get() : requested.get();
  made.certificate = authority.issue(certified, options.fleet, id, options.days);
  made.hmac_key = crypto::device_key(master_key, view(options.fleet), view(id));
  const Der certificate = der_of(made.certificate.get());
  const Der key = requested == nullptr ? private_der_of(made.key.get()) : named_key(options.key_name);

  provisioning::DeviceIdentity identity;
  identity.fleet = view(options.fleet);
  identity.device_id = view(id);
  identity.hmac_key = made.hmac_key;
  identity.broker_host = view(options.broker.host);
  identity.broker_port = options.broker.port;
  identity.tls_server_name = view(options.tls_server_name.empty() ? options.broker.host : options.tls_server_name);
  for (std::size_t i = 0; i < options.time_servers.size() && i < kMaxTimeServers; ++i) {
    identity.time_servers[i] = {view(options.time_servers[i].host), options.time_servers[i].port};
  }
  identity.seed = random_seed();
  identity.ca_certificate = view(ca_der);
  identity.certificate = view(certificate);
  identity.private_key = view(key);
  identity.release_key = view(release_point);
  made.image.resize(provisioning::kMaxIdentityBytes);
  std::size_t written = 0;
  const Status status = provisioning::write_identity(identity, {made.image.data(), made.image.size()}, written);
  if (status == Status::kBufferTooSmall) {
    return make_error(status, "'" + id + "': names and certificates do not fit in an image of " +
                                  std::to_string(provisioning::kMaxIdentityBytes) + " bytes");
  }
  if (status != Status::kOk) {
    return make_error(status, "'" + id + "': broker, server name or time server cannot stand in an image: names of " +
                                  "1..253 letters, digits, '-', '_', '.' and ':'");
  }
  made.image.resize(written);
  return made;
}

/// Where it is put together, not yet in its place.
Result<void> Provisioner::State::write_folder(const std::string& id, const NewDevice& made) const {
  const std::string path = folder.unfinished();
  std::error_code code;
  fs::create_directory(path, code);
  crypto::Digest digits;
  std::memcpy(digits.bytes, made.hmac_key.bytes, sizeof digits.bytes);
  char hex[2 * crypto::kDigestBytes + 1];
  crypto::to_hex(digits, hex);
  auto done = write_unsynchronised(path + "/cert.pem", pem_of(made.certificate.get()));
  if (done && made.key != nullptr) {
    done = write_unsynchronised(path + "/key.pem", private_pem_of(made.key.get()), Readers::kOwner);
  }
  if (done) done = write_unsynchronised(path + "/hmac.key", std::string(hex) + "\n", Readers::kOwner);
  if (done) done = keep_replaced(folder.device(id), path);
  if (done) done = sync_folder(path);
  return done;
}

Result<ProvisionedDevice> Provisioner::make(const std::string& id) const {
  const ProvisioningOptions& options = state_->options;
  const auto made = state_->prepare(id);
  if (!made) return made.error();
  ProvisionedDevice device;
  device.id = id;
  device.serial = serial_text(X509_get0_serialNumber(made->certificate.get()));
  device.valid_until = date_text(X509_get0_notAfter(made->certificate.get()));
  device.image = image_path(options, id, ".bin");
  device.image_bytes = made->image.size();
  const std::string hex_path = image_path(options, id, ".hex");
  const Bytes image = view(made->image);

  const std::string unfinished = state_->folder.unfinished();
  const std::string place = state_->folder.device(id);
  RemovedAtEnd remains(unfinished);  // or what --force replaced
  auto folder = make_folder(options.out);
  if (folder) folder = make_folder(fs::path(place).parent_path().string());
  if (folder) folder = state_->write_folder(id, *made);
  if (!folder) return folder.error();
  auto binary = StagedFile::write(device.image, text_of(image), Readers::kOwner);
  if (!binary) return binary.error();
  auto hex = StagedFile::write(hex_path, to_intel_hex(image, options.image_address), Readers::kOwner);
  if (!hex) return hex.error();
  // An image whose certificate is not in the folder could never be revoked: the folder comes first.
  auto done =
      move_folder(unfinished, place, options.existing == Existing::kReplace ? Occupied::kExchange : Occupied::kRefuse);
  if (!done) return done.error();
  done = binary->place();
  if (done) done = hex->place();
  if (done) done = sync_names(options.out);
  if (done) return device;
  return make_error(
      Status::kUnavailable,
      done.error().message + "; '" + id + "' has its keys but not its whole image: provision it again with --force");
}

}  // namespace skink::provisioning
