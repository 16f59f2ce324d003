#include "skink/common/crypto/crypto.hpp"

#include <openssl/core_names.h>
#include <openssl/kdf.h>
#include <openssl/params.h>

#include <catch2/catch.hpp>
#include <cstring>
#include <string>
#include <vector>

using namespace skink;
using crypto::Digest;
using crypto::Key;

namespace {

Bytes view(const std::string& text) { return {reinterpret_cast<const std::uint8_t*>(text.data()), text.size()}; }

std::string hex(const Digest& digest) {
  char text[2 * crypto::kDigestBytes + 1];
  crypto::to_hex(digest, text);
  return text;
}

/// HMAC pads a key with zeros to its block, so a key shorter than ours is ours with zeros after it.
Key key_of(const std::string& text) {
  REQUIRE(text.size() <= crypto::kKeyBytes);
  Key key;
  std::memcpy(key.bytes, text.data(), text.size());
  return key;
}

Digest hmac(const Key& key, const std::vector<std::string>& texts) {
  std::vector<Bytes> parts;
  parts.reserve(texts.size());
  for (const std::string& text : texts) parts.push_back(view(text));
  return crypto::hmac_sha256(key, {parts.data(), parts.size()});
}

std::string sequence(int first, int last) {
  std::string bytes;
  for (int b = first; b <= last; ++b) bytes += static_cast<char>(b);
  return bytes;
}

/// HKDF-SHA256 by OpenSSL.
std::vector<std::uint8_t> openssl_hkdf(std::string key, std::string salt, std::string info) {
  EVP_KDF* kdf = EVP_KDF_fetch(nullptr, "HKDF", nullptr);
  EVP_KDF_CTX* context = EVP_KDF_CTX_new(kdf);
  EVP_KDF_free(kdf);
  char digest[] = "SHA256";
  const OSSL_PARAM parameters[] = {OSSL_PARAM_construct_utf8_string(OSSL_KDF_PARAM_DIGEST, digest, 0),
                                   OSSL_PARAM_construct_octet_string(OSSL_KDF_PARAM_KEY, key.data(), key.size()),
                                   OSSL_PARAM_construct_octet_string(OSSL_KDF_PARAM_SALT, salt.data(), salt.size()),
                                   OSSL_PARAM_construct_octet_string(OSSL_KDF_PARAM_INFO, info.data(), info.size()),
                                   OSSL_PARAM_construct_end()};
  std::vector<std::uint8_t> out(32);
  const int derived = EVP_KDF_derive(context, out.data(), out.size(), parameters);
  EVP_KDF_CTX_free(context);
  REQUIRE(derived == 1);
  return out;
}

}  // namespace

TEST_CASE("sha256: the examples of FIPS 180-4", "[common][wire][crypto][golden]") {
  // NIST, "Examples with Intermediate Values", SHA256; and the empty message of the SHA test vectors (SHA256ShortMsg).
  CHECK(hex(crypto::sha256(view(""))) == "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
  CHECK(hex(crypto::sha256(view("abc"))) == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
  CHECK(hex(crypto::sha256(view("abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq"))) ==
        "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1");
  CHECK(hex(crypto::sha256(view(std::string(1000000, 'a')))) ==
        "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0");
}

TEST_CASE("sha256: a stream in pieces is the whole", "[common][wire][crypto]") {
  const std::string text = sequence(0, 255) + sequence(0, 200);
  const std::size_t step = GENERATE(1U, 3U, 55U, 64U, 65U, 1000U);
  crypto::Sha256 hash;
  for (std::size_t i = 0; i < text.size(); i += step) hash.add(view(text.substr(i, step)));
  hash.add({});
  CHECK(hash.finish() == crypto::sha256(view(text)));
}

TEST_CASE("hmac: test cases 1 to 4 of RFC 4231", "[common][wire][crypto][golden]") {
  // Cases 5 to 7 truncate or have keys longer than ours.
  CHECK(hex(hmac(key_of(std::string(20, '\x0b')), {"Hi There"})) ==
        "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7");
  CHECK(hex(hmac(key_of("Jefe"), {"what do ya want for nothing?"})) ==
        "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843");
  CHECK(hex(hmac(key_of(std::string(20, '\xaa')), {std::string(50, '\xdd')})) ==
        "773ea91e36800e46854db8ebd09181a72959098b3ef8c122d9635514ced565fe");
  CHECK(hex(hmac(key_of(sequence(1, 25)), {std::string(50, '\xcd')})) ==
        "82558a389a443c0ea4cc819899f2083a85f0faa3e578f8077a2e3ff46729665b");
}

TEST_CASE("hmac: the parts are one message", "[common][wire][crypto]") {
  const Key key = key_of("key");
  const Digest whole = hmac(key, {"one two three"});
  CHECK(hmac(key, {"one ", "", "two", " three"}) == whole);
  CHECK(hmac(key, {"one ", "two "}) != whole);
}

TEST_CASE("hkdf: test case 1 of RFC 5869 in terms of our HMAC", "[common][wire][crypto][golden]") {
  const Digest extracted = hmac(key_of(sequence(0, 12)), {std::string(22, '\x0b')});
  CHECK(hex(extracted) == "077709362c2e32df0ddc3f0dc47bba6390b6c73bb50f9c3122ec844ad7c2b3e5");
  Key pseudo_random;
  std::memcpy(pseudo_random.bytes, extracted.bytes, crypto::kKeyBytes);
  CHECK(hex(hmac(pseudo_random, {sequence(0xf0, 0xf9), "\x01"})) ==  // the first block of the output
        "3cb25f25faacd57a90434f64d0362f2a2d2d0a90cf1a5a4c5db02d56ecc4c5bf");
}

TEST_CASE("hkdf: device keys are those of an independent implementation", "[common][wire][crypto]") {
  const std::string master = GENERATE(std::string(32, '\0'), sequence(0, 31), sequence(200, 231));
  const std::string id = GENERATE(std::string("d"), std::string("kitchen-07"), std::string(64, 'x'));
  const std::string fleet = GENERATE(std::string("f"), std::string("plant-A"));
  const Key key = crypto::device_key(key_of(master), {fleet.data(), fleet.size()}, {id.data(), id.size()});
  const std::vector<std::uint8_t> expected = openssl_hkdf(master, "skink/1", fleet + "/" + id);
  CHECK(std::vector<std::uint8_t>(key.bytes, key.bytes + crypto::kKeyBytes) == expected);
}

TEST_CASE("hkdf: two fleets with one master key have other device keys", "[common][wire][crypto]") {
  const Key master = key_of(sequence(0, 31));
  const auto key = [&](const std::string& fleet, const std::string& id) {
    const Key made = crypto::device_key(master, {fleet.data(), fleet.size()}, {id.data(), id.size()});
    return std::vector<std::uint8_t>(made.bytes, made.bytes + crypto::kKeyBytes);
  };
  CHECK(key("a", "pump-1") != key("b", "pump-1"));
  CHECK(key("ab", "c") != key("a", "bc"));
}

TEST_CASE("hex: digests are written in lower case and read in any", "[common][wire][crypto]") {
  const Digest digest = crypto::sha256(view("abc"));
  std::string text = hex(digest);
  Digest read;
  REQUIRE(crypto::from_hex(text.data(), text.size(), read));
  CHECK(read == digest);
  for (char& c : text) c = static_cast<char>(std::toupper(c));
  read = {};
  REQUIRE(crypto::from_hex(text.data(), text.size(), read));
  CHECK(read == digest);
  for (const std::string& wrong :
       {text.substr(1), text + "0", std::string(), text.substr(1) + "g", " " + text.substr(1)}) {
    CHECK_FALSE(crypto::from_hex(wrong.data(), wrong.size(), read));
    CHECK(read == digest);  // untouched
  }
}

TEST_CASE("digest: equality looks at every byte", "[common][wire][crypto]") {
  const Digest digest = crypto::sha256(view("abc"));
  for (std::size_t i = 0; i < crypto::kDigestBytes; ++i) {
    Digest other = digest;
    other.bytes[i] ^= 1;
    CHECK(other != digest);
  }
}
