#include "skink/firmware/tls/mbedtls_keys.hpp"

#include <mbedtls/oid.h>
#include <string.h>

#include "skink/common/crypto/mbedtls_version.h"

#if defined(MBEDTLS_X509_CSR_WRITE_C)  // a firmware that renews nothing is built without

namespace skink::firmware {
namespace {

constexpr size_t kNameBytes = 3 + limits::kMaxIdBytes + 1;  // "CN=", and the 0

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

bool is_out_of_memory(int result) noexcept { return skink_mbedtls_is_out_of_memory(result) != 0; }

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
  const int written = skink_mbedtls_write_request(&request.object, out.data(), out.size(), random.draw, random.context);
  return move_to_begin(written, out, bytes);
}

/// In the store of PSA Crypto while it is made, otherwise in mbedTLS's heap.
class NewKey {
 public:
  NewKey() noexcept = default;
  NewKey(const NewKey&) = delete;
  NewKey& operator=(const NewKey&) = delete;
#if SKINK_CRYPTO == SKINK_CRYPTO_PSA
  ~NewKey() { (void)psa_destroy_key(id_); }

  int generate(const MbedtlsRandom& /*random*/) noexcept {
    constexpr size_t kCurveBits = 256;
    psa_key_attributes_t attributes = PSA_KEY_ATTRIBUTES_INIT;
    psa_set_key_type(&attributes, PSA_KEY_TYPE_ECC_KEY_PAIR(PSA_ECC_FAMILY_SECP_R1));
    psa_set_key_bits(&attributes, kCurveBits);
    psa_set_key_usage_flags(&attributes, PSA_KEY_USAGE_SIGN_HASH | PSA_KEY_USAGE_EXPORT);
    psa_set_key_algorithm(&attributes, PSA_ALG_ECDSA(PSA_ALG_SHA_256));
    const psa_status_t status = psa_generate_key(&attributes, &id_);
    return status == PSA_SUCCESS ? skink_mbedtls_wrap_psa_key(&pk(), id_) : status;
  }
#else
  int generate(const MbedtlsRandom& random) noexcept {
    const int result = mbedtls_pk_setup(&pk(), mbedtls_pk_info_from_type(MBEDTLS_PK_ECKEY));
    if (result != 0) return result;
    return mbedtls_ecp_gen_key(MBEDTLS_ECP_DP_SECP256R1, mbedtls_pk_ec(pk()), random.draw, random.context);
  }
#endif
  mbedtls_pk_context& pk() noexcept { return key_.object; }

 private:
#if SKINK_CRYPTO == SKINK_CRYPTO_PSA
  psa_key_id_t id_ = PSA_KEY_ID_NULL;
#endif
  OwnedKey key_;
};

Status make(void* context, Span<const char> device_id, MutableBytes key, size_t& key_bytes, MutableBytes request,
            size_t& request_bytes) {
  const auto& random = *static_cast<const MbedtlsRandom*>(context);
  NewKey made;
  const int result = made.generate(random);
  if (result != 0) return is_out_of_memory(result) ? Status::kBufferTooSmall : Status::kUnavailable;
  const Status status = move_to_begin(mbedtls_pk_write_key_der(&made.pk(), key.data(), key.size()), key, key_bytes);
  return status == Status::kOk ? write_request(made.pk(), device_id, request, request_bytes, random) : status;
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
  const bool is_good =
      certificate.object.next == nullptr && is_named(certificate.object.subject, what.device_id) &&
      skink_mbedtls_check_pair(&certificate.object.pk, &key.object, random.draw, random.context) == 0 &&
      mbedtls_x509_crt_verify(&certificate.object, &authorities.object, nullptr, nullptr, &flags, nullptr, nullptr) ==
          0;
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
