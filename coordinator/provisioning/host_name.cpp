#include "skink/coordinator/provisioning/host_name.hpp"

#include <openssl/err.h>
#include <openssl/x509v3.h>

#include <algorithm>

#include "openssl.hpp"
#include "skink/common/limits.hpp"

namespace skink::provisioning {
namespace {

using Octets = std::unique_ptr<ASN1_OCTET_STRING, Freer<&ASN1_OCTET_STRING_free>>;

constexpr std::size_t kMostLabelBytes = 63;  // RFC 1035, 2.3.4

bool is_letter(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); }
bool is_digit(char c) { return c >= '0' && c <= '9'; }

bool is_label(const std::string& label) {
  return !label.empty() && label.size() <= kMostLabelBytes && label.front() != '-' && label.back() != '-' &&
         std::all_of(label.begin(), label.end(), [](char c) { return is_letter(c) || is_digit(c) || c == '-'; });
}

bool is_dns_name(const std::string& text) {
  if (text.size() > limits::kMaxHostBytes) return false;
  std::size_t begin = 0;
  for (;;) {
    const std::size_t dot = text.find('.', begin);
    const std::string label = text.substr(begin, dot == std::string::npos ? dot : dot - begin);
    if (!is_label(label)) return false;
    if (dot == std::string::npos) return std::any_of(label.begin(), label.end(), is_letter);
    begin = dot + 1;
  }
}

}  // namespace

bool is_address(const std::string& text) {
  const Octets octets(a2i_IPADDRESS(text.c_str()));
  ERR_clear_error();
  return octets != nullptr && text.find_first_not_of("0123456789abcdefABCDEF.:") == std::string::npos;
}

Result<void> check_host(const std::string& text) {
  if (is_address(text) || is_dns_name(text)) return {};
  return make_error(Status::kInvalidArgument,
                    "'" + text +
                        "' is neither a DNS name (gateway.example, no '*', no ending dot) nor "
                        "an address (192.0.2.7, 2001:db8::7 without brackets)");
}

}  // namespace skink::provisioning
