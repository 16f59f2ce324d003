#include "skink/firmware/tls/mbedtls_keys.hpp"

#include <mbedtls/ecp.h>
#include <mbedtls/oid.h>
#include <mbedtls/x509_csr.h>
#include <string.h>

#if defined(MBEDTLS_X509_CSR_WRITE_C)  // a firmware that renews nothing is built without

namespace skink::firmware {
namespace {

constexpr size_t kNameBytes = 3 + limits::kMaxIdBytes + 1;  // "CN=", and the 0

// ---- what differs between mbedTLS 2.28 and 3.x: the overload that the function's type fits is taken

[[maybe_unused]] int check_pair(int (*check)(const mbedtls_pk_context*, const mbedtls_pk_context*),
                                const mbedtls_pk_context& is_public, const mbedtls_pk_context& is_private,
                                const MbedtlsRandom& /*random*/) noexcept {
  return check(&is_public, &is_private);
}

[[maybe_unused]] int check_pair(int (*check)(const mbedtls_pk_context*, const mbedtls_pk_context*,
                                             int (*)(void*, unsigned char*, size_t), void*),
                                const mbedtls_pk_context& is_public, const mbedtls_pk_context& is_private,
                                const MbedtlsRandom& random) noexcept {
  return check(&is_public, &is_private, random.draw, random.context);
}

// ---- owners

/// Of an object of mbedTLS.
template <class T, void (*kInit)(T*), void (*kFree)(T*)>
struct Owned {
  Owned() noexcept { kInit(&object); }
  ~Owned() { kFree(&object); }
  Owned(const Owned&) = delete;
  Owned& operator=(const Owned&) = delete;
  T object;
};
using OwnedKey = Owned<mbedtls_pk_context, mbedtls_pk_init, mbedtls_pk_free>;
using OwnedRequest = Owned<mbedtls_x509write_csr, mbedtls_x509write_csr_init, mbedtls_x509write_csr_free>;
using OwnedCertificates = Owned<mbedtls_x509_crt, mbedtls_x509_crt_init, mbedtls_x509_crt_free>;

bool is_out_of_memory(int result) noexcept {
  return result == MBEDTLS_ERR_X509_ALLOC_FAILED || result == MBEDTLS_ERR_PK_ALLOC_FAILED ||
         result == MBEDTLS_ERR_MPI_ALLOC_FAILED || result == MBEDTLS_ERR_ECP_ALLOC_FAILED;
}

bool is_too_small(int result) noexcept { return result == MBEDTLS_ERR_ASN1_BUF_TOO_SMALL || is_out_of_memory(result); }

/// What mbedTLS has written at the end of `out` goes to its begin. @returns the status of a writer's result.
Status move_to_begin(int result, MutableBytes out, size_t& bytes) noexcept {
  if (is_too_small(result)) return Status::kBufferTooSmall;
  if (result <= 0) return Status::kUnavailable;
  bytes = static_cast<size_t>(result);
  memmove(out.data(), out.data() + out.size() - bytes, bytes);
  return Status::kOk;
}

// ---- a new key

Status write_request(mbedtls_pk_context& key, Span<const char> device_id, MutableBytes out, size_t& bytes,
                     const MbedtlsRandom& random) noexcept {
  char name[kNameBytes] = "CN=";
  if (device_id.size() > limits::kMaxIdBytes) return Status::kInvalidArgument;
  memcpy(name + 3, device_id.data(), device_id.size());
  OwnedRequest request;
  mbedtls_x509write_csr_set_md_alg(&request.object, MBEDTLS_MD_SHA256);
  mbedtls_x509write_csr_set_key(&request.object, &key);
  const int named = mbedtls_x509write_csr_set_subject_name(&request.object, name);
  if (named != 0) return is_too_small(named) ? Status::kBufferTooSmall : Status::kUnavailable;
  return move_to_begin(mbedtls_x509write_csr_der(&request.object, out.data(), out.size(), random.draw, random.context),
                       out, bytes);
}

Status make(void* context, Span<const char> device_id, MutableBytes key, size_t& key_bytes, MutableBytes request,
            size_t& request_bytes) {
  const auto& random = *static_cast<const MbedtlsRandom*>(context);
  OwnedKey made;
  int result = mbedtls_pk_setup(&made.object, mbedtls_pk_info_from_type(MBEDTLS_PK_ECKEY));
  if (result == 0) {
    result = mbedtls_ecp_gen_key(MBEDTLS_ECP_DP_SECP256R1, mbedtls_pk_ec(made.object), random.draw, random.context);
  }
  if (result != 0) return is_out_of_memory(result) ? Status::kBufferTooSmall : Status::kUnavailable;
  const Status status = move_to_begin(mbedtls_pk_write_key_der(&made.object, key.data(), key.size()), key, key_bytes);
  return status == Status::kOk ? write_request(made.object, device_id, request, request_bytes, random) : status;
}

// ---- a certificate that came

bool is_named(const mbedtls_x509_name& subject, Span<const char> device_id) noexcept {
  for (const mbedtls_x509_name* part = &subject; part != nullptr; part = part->next) {
    if (MBEDTLS_OID_CMP(MBEDTLS_OID_AT_CN, &part->oid) != 0) continue;
    return part->val.len == device_id.size() && memcmp(part->val.p, device_id.data(), device_id.size()) == 0;
  }
  return false;
}

Status check(void* context, const CertificateToCheck& what) {
  const auto& random = *static_cast<const MbedtlsRandom*>(context);
  OwnedCertificates certificate;
  OwnedCertificates authorities;
  OwnedKey key;
  int result = parse_certificates(certificate.object, what.certificate);
  if (result == 0) result = parse_certificates(authorities.object, what.authorities);
  if (result == 0) result = parse_private_key(key.object, what.key, random);
  if (result != 0) return is_out_of_memory(result) ? Status::kBufferTooSmall : Status::kDamaged;
  uint32_t flags = 0;
  const bool is_good = certificate.object.next == nullptr && is_named(certificate.object.subject, what.device_id) &&
                       check_pair(&mbedtls_pk_check_pair, certificate.object.pk, key.object, random) == 0 &&
                       mbedtls_x509_crt_verify(&certificate.object, &authorities.object, nullptr, nullptr, &flags,
                                               nullptr, nullptr) == 0;
  return is_good ? Status::kOk : Status::kWrongAuthentication;
}

}  // namespace

KeyService mbedtls_keys(MbedtlsRandom& random) noexcept {
  KeyService service;
  service.context = &random;
  service.make = &make;
  service.check = &check;
  return service;
}

}  // namespace skink::firmware

#endif
