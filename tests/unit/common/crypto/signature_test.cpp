/// @file
/// ECDSA of whatever the program was built with: the same for each.

#include <catch2/catch.hpp>
#include <string>

#include "skink/common/crypto/crypto.hpp"

using namespace skink;

namespace {

std::string from_hex(const std::string& text) {
  std::string bytes;
  for (std::size_t i = 0; i < text.size(); i += 2)
    bytes += static_cast<char>(std::stoi(text.substr(i, 2), nullptr, 16));
  return bytes;
}

Bytes view(const std::string& text) { return {reinterpret_cast<const uint8_t*>(text.data()), text.size()}; }

/// RFC 6979, A.2.5: P-256, SHA-256.
struct Known {
  const char* message;
  std::string signature;
};
const std::string kKey = from_hex(
    "0460FED4BA255A9D31C961EB74C6356D68C049B8923B61FA6CE669622E60F29FB6"
    "7903FE1008B8BC99A41AE9E95628BC64F2F1B20C2D7E9F5177A3C294D4462299");
const Known kKnown[] = {{"sample", from_hex("EFD48B2AACB6A8FD1140DD9CD45E81D69D2C877B56AAF991C34D0EA84EAF3716"
                                            "F7CB1C942D657C41D436C7A1B6E29F65F3E900DBB9AFF4064DC4AB2F843ACDA8")},
                        {"test", from_hex("F1ABB023518351CD71D881567B1EA663ED3EFCF6C5132B354F28D3B0B7D38367"
                                          "019F4113742A2B14BD25926B49C649155F267E60D3814B4C0CC84250E46F0083")}};

Status verify(const std::string& message, const std::string& signature, const std::string& key) {
  return crypto::verify_signature(view(message), view(signature), view(key));
}

}  // namespace

TEST_CASE("signature: the examples of RFC 6979", "[common][crypto][golden]") {
  for (const Known& known : kKnown) CHECK(verify(known.message, known.signature, kKey) == Status::kOk);
}

TEST_CASE("signature: of another message, or with any byte changed, it is refused", "[common][crypto]") {
  CHECK(verify(kKnown[1].message, kKnown[0].signature, kKey) == Status::kWrongAuthentication);
  CHECK(verify("", kKnown[0].signature, kKey) == Status::kWrongAuthentication);
  for (std::size_t i = 0; i < crypto::kSignatureBytes; i += 7) {
    std::string changed = kKnown[0].signature;
    changed[i] = static_cast<char>(changed[i] ^ 1);
    CAPTURE(i);
    CHECK(verify(kKnown[0].message, changed, kKey) == Status::kWrongAuthentication);
  }
}

TEST_CASE("signature: r and s are numbers from 1 to the order of the curve less 1", "[common][crypto]") {
  const std::string order = from_hex("FFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551");
  const std::string zero(32, '\0');
  const std::string& good = kKnown[0].signature;
  for (const std::string& half : {zero, order, std::string(32, '\xff')}) {
    CHECK(verify("sample", half + good.substr(32), kKey) == Status::kWrongAuthentication);
    CHECK(verify("sample", good.substr(0, 32) + half, kKey) == Status::kWrongAuthentication);
    CHECK(verify("sample", half + half, kKey) == Status::kWrongAuthentication);
  }
}

TEST_CASE("signature: a key is an uncompressed point on the curve", "[common][crypto]") {
  std::string beside = kKey;
  beside[64] = static_cast<char>(beside[64] ^ 1);
  const std::string compressed = "\x03" + kKey.substr(1, 32);
  for (const std::string& wrong :
       {beside, compressed, std::string(1, '\0'), std::string(), kKey.substr(0, 64), kKey + "x",
        "\x02" + kKey.substr(1), "\x04" + std::string(64, '\0'), "\x04" + std::string(64, '\xff')}) {
    CAPTURE(wrong.size());
    CHECK(verify("sample", kKnown[0].signature, wrong) == Status::kInvalidArgument);
  }
}

TEST_CASE("signature: it has 64 bytes", "[common][crypto]") {
  const std::string& good = kKnown[0].signature;
  CHECK(verify("sample", good.substr(1), kKey) == Status::kInvalidArgument);
  CHECK(verify("sample", good + "x", kKey) == Status::kInvalidArgument);
  CHECK(verify("sample", "", kKey) == Status::kInvalidArgument);
}
