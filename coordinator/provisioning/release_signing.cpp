#include "skink/coordinator/provisioning/release_signing.hpp"

#include <fmt/format.h>
#include <openssl/ecdsa.h>

#include <filesystem>

#include "release_key.hpp"
#include "skink/common/model/model_file.hpp"
#include "skink/host/files/files.hpp"

namespace skink::provisioning {
namespace {

using Signature = std::unique_ptr<ECDSA_SIG, Freer<&ECDSA_SIG_free>>;
using SigningContext = std::unique_ptr<EVP_MD_CTX, Freer<&EVP_MD_CTX_free>>;

constexpr std::size_t kMostBytes = std::size_t{1} << 26;

/// r and s, 32 bytes each: OpenSSL's signature is DER.
std::string sign(Bytes message, EVP_PKEY* key) {
  const SigningContext context(EVP_MD_CTX_new());
  require(context && EVP_DigestSignInit(context.get(), nullptr, EVP_sha256(), nullptr, key) == 1, "signing");
  std::size_t size = 0;
  require(EVP_DigestSign(context.get(), nullptr, &size, message.data(), message.size()) == 1, "signing");
  Der der(size);
  require(EVP_DigestSign(context.get(), der.data(), &size, message.data(), message.size()) == 1, "signing");
  const unsigned char* at = der.data();
  const Signature parsed(d2i_ECDSA_SIG(nullptr, &at, static_cast<long>(size)));
  require(parsed != nullptr, "signing");
  constexpr int kHalf = crypto::kSignatureBytes / 2;
  Der halves(crypto::kSignatureBytes);
  require(BN_bn2binpad(ECDSA_SIG_get0_r(parsed.get()), halves.data(), kHalf) == kHalf &&
              BN_bn2binpad(ECDSA_SIG_get0_s(parsed.get()), halves.data() + kHalf, kHalf) == kHalf,
          "signing");
  return {halves.begin(), halves.end()};
}

const char* kind_text(provisioning::ReleaseKind kind) {
  return kind == provisioning::ReleaseKind::kModel ? "model" : "firmware";
}

std::string hex_of(const crypto::Digest& digest) {
  char text[2 * crypto::kDigestBytes + 1];
  crypto::to_hex(digest, text);
  return text;
}

std::string in_words(const std::string& path, const provisioning::Release& release) {
  std::string text = fmt::format("release      {}\n{:<12} '{}' number {}, {} bytes, sha256 {}\n", path,
                                 kind_text(release.kind), std::string(release.name.data(), release.name.size()),
                                 release.number, release.content_bytes, hex_of(release.digest));
  model::ModelInfo model;
  if (release.kind == provisioning::ReleaseKind::kModel &&
      model::inspect(model::source_of(release.content), model) == Status::kOk) {
    text += fmt::format("model hash   {}\n", hex_of(model.digest));
  }
  return text;
}

std::string refusal(Status status, const std::string& pki) {
  switch (status) {
    case Status::kUnavailable: return "erased: nothing but FF or 00";
    case Status::kTruncated: return "the bytes end before the release does; copy the file again";
    case Status::kDamaged: return "no release, or its content is not what was signed; copy the file again";
    case Status::kWrongAuthentication:
      return "the signature is wrong: the manifest was changed, or signed by another key than " + pki + "/release.pub";
    default: return status_text(status);
  }
}

Result<provisioning::Release> checked(Bytes bytes, const std::string& path, const std::string& pki) {
  const auto key = release_point({pki});
  if (!key) return key.error();
  provisioning::Release release;
  const Status status = provisioning::read_release(bytes, {key->data(), key->size()}, release);
  if (status != Status::kOk) return make_error(status, path + ": refused: " + refusal(status, pki));
  return release;
}

}  // namespace

Result<void> ensure_release_key(const std::string& pki) {
  const auto made = make_folder(pki);
  if (!made) return made.error();
  const auto point = release_point({pki});
  if (!point) return point.error();
  return {};
}

Result<std::string> make_release(const std::string& pki, ReleaseKind kind, const std::string& name,
                                 std::uint32_t number, std::string_view content) {
  if (kind == provisioning::ReleaseKind::kModel) {
    model::ModelInfo model;
    const Status status = model::inspect(model::source_of(bytes_of(content)), model);
    if (status != Status::kOk) return make_error(Status::kDamaged, status_text(status));
  }
  const PkiFolder folder{pki};
  const auto point = release_point(folder);  // makes the pair where there is none
  if (!point) return point.error();
  const auto key = read_private_key(folder.release_key());
  if (!key) return key.error();

  provisioning::Release release;
  release.kind = kind;
  release.number = number;
  release.name = {name.data(), name.size()};
  release.content = bytes_of(content);
  std::uint8_t manifest[provisioning::kManifestBytes];
  if (provisioning::write_manifest(release, manifest) != Status::kOk) {
    return make_error(Status::kInvalidArgument, "'" + name + "' is no name of a release: 1..32 of A-Z a-z 0-9 - _ ." +
                                                    std::string(content.empty() ? "; or the content is empty" : ""));
  }
  std::string file(reinterpret_cast<const char*>(manifest), sizeof manifest);
  file += sign(Bytes(manifest), key->get());
  file += content;
  const auto read = checked(bytes_of(file), name, pki);
  if (!read) return read.error();  // release.pub is of another pair
  return file;
}

Result<std::string> sign_release(const ReleaseRequest& request) {
  const auto content = read_file(request.content, kMostBytes);
  if (!content) return content.error();
  const auto file = make_release(request.pki, request.kind, request.name, request.number, *content);
  const bool is_content = !file && file.error().cause == Cause::kUnsaid;  // not a key
  if (is_content && file.error().code == make_error_code(Status::kDamaged)) {
    return make_error(Status::kDamaged, request.content + ": " + file.error().message);
  }
  if (!file) return file.error();
  const auto written = write_file(request.out, *file);
  if (!written) return written.error();
  const auto read = checked(bytes_of(*file), request.out, request.pki);
  if (!read) return read.error();
  return in_words(request.out, *read);
}

Result<std::string> describe_release(const std::string& path, const std::string& pki) {
  const std::string key = PkiFolder{pki}.release_public_key();
  if (!std::filesystem::exists(key)) {
    return make_error(Status::kUnavailable, key + " is absent; 'skinkctl provision' and 'release sign' make it");
  }
  const auto file = read_file(path, kMostBytes + provisioning::kReleaseHeaderBytes);
  if (!file) return file.error();
  const auto release = checked(bytes_of(*file), path, pki);
  if (!release) return release.error();
  return in_words(path, *release);
}

}  // namespace skink::provisioning
