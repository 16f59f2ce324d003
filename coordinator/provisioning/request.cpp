#include "request.hpp"

#include <openssl/pem.h>

namespace skink::provisioning {
namespace {

using Request = std::unique_ptr<X509_REQ, Freer<&X509_REQ_free>>;

constexpr std::size_t kMostBytes = 65536;
constexpr const char* kPemMark = "-----BEGIN";

Error refused(const std::string& id, const std::string& why) {
  return make_error(Status::kInvalidArgument, id + ": its request for a certificate is refused: " + why);
}

std::string name_in(X509_REQ* request) {
  char text[256] = "";
  const int length = X509_NAME_get_text_by_NID(X509_REQ_get_subject_name(request), NID_commonName, text, sizeof text);
  return length < 0 ? std::string() : std::string(text, static_cast<std::size_t>(length));
}

}  // namespace

Result<EvpKey> key_in_request(const std::string& id, Bytes bytes) {
  const unsigned char* at = bytes.data();
  const Request request(d2i_X509_REQ(nullptr, &at, static_cast<long>(bytes.size())));
  const bool is_whole = request != nullptr && at == bytes.data() + bytes.size();
  ERR_clear_error();
  if (!is_whole) return refused(id, "it is no PKCS #10 request");
  EvpKey key(X509_REQ_get_pubkey(request.get()));
  const bool is_p256 = key != nullptr && !p256_point_of(key.get()).empty();
  const bool is_signed = is_p256 && X509_REQ_verify(request.get(), key.get()) == 1;
  ERR_clear_error();
  if (!is_p256) return refused(id, "its key is not on the curve P-256");
  if (!is_signed) return refused(id, "it is not signed by its own key");
  if (name_in(request.get()) != id) return refused(id, "it is for another name");
  return key;
}

Result<Der> read_request(const std::string& path) {
  const auto content = read_file(path, kMostBytes);
  if (!content) return content.error();
  if (content->rfind(kPemMark, 0) != 0) return Der(content->begin(), content->end());
  const Memory memory = memory_with(*content);
  const Request request(PEM_read_bio_X509_REQ(memory.get(), nullptr, nullptr, nullptr));
  if (request == nullptr) {
    return make_error(Status::kDamaged,
                      path + ": not a request for a certificate in PEM form: " + take_openssl_error());
  }
  unsigned char* der = nullptr;
  const int size = i2d_X509_REQ(request.get(), &der);
  require(size > 0, "writing a request");
  Der bytes(der, der + size);
  OPENSSL_free(der);
  return bytes;
}

}  // namespace skink::provisioning
