#include "skink/common/provisioning/identity.hpp"

#include <pb_decode.h>
#include <pb_encode.h>
#include <string.h>

#include "skink/common/little_endian.hpp"
#include "skink/common/provisioning/identity.pb.h"
#include "skink/common/wire/topics.hpp"
#include "skink/common/wire/versions.hpp"
#include "wire/field_view.hpp"

namespace skink::provisioning {
namespace {

using wire::internal::FieldView;

constexpr uint8_t kMagic[4] = {'S', 'K', 'I', 0};
constexpr size_t kHeaderBytes = 8;
constexpr size_t kMaxContentBytes = kMaxIdentityBytes - kHeaderBytes - crypto::kDigestBytes;

Span<const char> text_of(Bytes bytes) noexcept { return {reinterpret_cast<const char*>(bytes.data()), bytes.size()}; }
Bytes bytes_of(Span<const char> text) noexcept { return {reinterpret_cast<const uint8_t*>(text.data()), text.size()}; }

bool same(Span<const char> a, Span<const char> b) noexcept {
  return a.size() == b.size() && (a.empty() || memcmp(a.data(), b.data(), a.size()) == 0);
}

// ---- what a field may hold ------------------------------------------------------------------------------------------

/// A name, an IPv4 or an IPv6 address: the characters of a device id, and the colon.
bool is_valid_host(Span<const char> host) noexcept {
  if (host.empty() || host.size() > kMaxHostBytes) return false;
  for (size_t i = 0; i < host.size(); ++i) {
    if (host[i] != ':' && !wire::is_valid_id({host.data() + i, 1})) return false;
  }
  return true;
}

bool is_zero(const crypto::Key& key) noexcept {
  uint8_t any = 0;
  for (const uint8_t byte : key.bytes) any = static_cast<uint8_t>(any | byte);
  return any == 0;
}

/// One DER SEQUENCE from the first byte to the last: every certificate and private key is one, and PEM is none.
bool is_der_sequence(Bytes bytes) noexcept {
  if (bytes.size() < 2 || bytes[0] != 0x30) return false;
  if (bytes[1] < 0x80) return bytes.size() == size_t{2} + bytes[1];
  if (bytes[1] == 0x81) return bytes.size() >= 3 && bytes.size() == size_t{3} + bytes[2];
  if (bytes[1] == 0x82) return bytes.size() >= 4 && bytes.size() == 4 + (size_t{bytes[2]} << 8 | bytes[3]);
  return false;
}

/// Each whole or absent, and none after an absent one.
bool are_valid(const TimeServer (&servers)[kMaxTimeServers]) noexcept {
  bool is_end = false;
  for (const TimeServer& server : servers) {
    if (server.host.empty() != (server.port == 0)) return false;
    if (!server.host.empty() && (is_end || !is_valid_host(server.host))) return false;
    is_end = server.host.empty();
  }
  return true;
}

bool is_valid(const DeviceIdentity& identity) noexcept {
  return wire::is_valid_id(identity.fleet) && wire::is_valid_id(identity.device_id) && !is_zero(identity.hmac_key) &&
         is_valid_host(identity.broker_host) && identity.broker_port != 0 && is_valid_host(identity.tls_server_name) &&
         are_valid(identity.time_servers) && is_der_sequence(identity.ca_certificate) &&
         is_der_sequence(identity.certificate) && is_der_sequence(identity.private_key) &&
         identity.release_key.size() == kReleaseKeyBytes && identity.release_key[0] == 0x04;
}

// ---- the message ----------------------------------------------------------------------------------------------------

bool write_bytes(pb_ostream_t* stream, const pb_field_t* field, void* const* argument) noexcept {
  const auto& bytes = *static_cast<const Bytes*>(*argument);
  if (bytes.empty()) return true;
  return pb_encode_tag_for_field(stream, field) && pb_encode_string(stream, bytes.data(), bytes.size());
}

/// Where the fields of a message stand.
struct Fields {
  FieldView fleet, device_id, hmac_key, broker_host, tls_server_name, time_hosts[kMaxTimeServers], ca_certificate,
      certificate, private_key, release_key;
};

void look_for(pb_callback_t& field, FieldView& view, Bytes message) noexcept {
  view.message = message;
  field.funcs.decode = &wire::internal::find_field;
  field.arg = &view;
}

void supply(pb_callback_t& field, const Bytes& bytes) noexcept {
  field.funcs.encode = &write_bytes;
  field.arg = const_cast<Bytes*>(&bytes);  // NOLINT: nanopb's argument is not const; write_bytes() only reads
}

Status read_content(Bytes content, DeviceIdentity& identity) noexcept {
  skink_wire_DeviceIdentity message = skink_wire_DeviceIdentity_init_zero;
  Fields fields;
  look_for(message.fleet, fields.fleet, content);
  look_for(message.device_id, fields.device_id, content);
  look_for(message.hmac_key, fields.hmac_key, content);
  look_for(message.broker_host, fields.broker_host, content);
  look_for(message.tls_server_name, fields.tls_server_name, content);
  look_for(message.time_host, fields.time_hosts[0], content);
  look_for(message.time_host_2, fields.time_hosts[1], content);
  look_for(message.time_host_3, fields.time_hosts[2], content);
  look_for(message.ca_certificate, fields.ca_certificate, content);
  look_for(message.certificate, fields.certificate, content);
  look_for(message.private_key, fields.private_key, content);
  look_for(message.release_key, fields.release_key, content);
  pb_istream_t stream = pb_istream_from_buffer(content.data(), content.size());
  if (!pb_decode(&stream, skink_wire_DeviceIdentity_fields, &message)) return Status::kDamaged;
  const uint32_t time_ports[kMaxTimeServers] = {message.time_port, message.time_port_2, message.time_port_3};
  if (message.broker_port > 0xffff) return Status::kInvalidArgument;
  for (const uint32_t port : time_ports) {
    if (port > 0xffff) return Status::kInvalidArgument;
  }
  if (fields.hmac_key.found.size() != crypto::kKeyBytes) return Status::kInvalidArgument;

  DeviceIdentity read;
  read.fleet = text_of(fields.fleet.found);
  read.device_id = text_of(fields.device_id.found);
  memcpy(read.hmac_key.bytes, fields.hmac_key.found.data(), crypto::kKeyBytes);
  read.broker_host = text_of(fields.broker_host.found);
  read.broker_port = static_cast<uint16_t>(message.broker_port);
  read.tls_server_name = text_of(fields.tls_server_name.found);
  if (read.tls_server_name.empty()) read.tls_server_name = read.broker_host;
  for (size_t i = 0; i < kMaxTimeServers; ++i) {
    read.time_servers[i] = {text_of(fields.time_hosts[i].found), static_cast<uint16_t>(time_ports[i])};
  }
  read.seed = message.seed;
  read.ca_certificate = fields.ca_certificate.found;
  read.certificate = fields.certificate.found;
  read.private_key = fields.private_key.found;
  read.release_key = fields.release_key.found;
  if (!is_valid(read)) return Status::kInvalidArgument;
  identity = read;
  return Status::kOk;
}

Status write_content(const DeviceIdentity& identity, MutableBytes out, size_t& written) noexcept {
  const bool is_named_otherwise = !same(identity.tls_server_name, identity.broker_host);
  const Bytes fleet = bytes_of(identity.fleet);
  const Bytes device_id = bytes_of(identity.device_id);
  const Bytes hmac_key(identity.hmac_key.bytes);
  const Bytes broker_host = bytes_of(identity.broker_host);
  const Bytes tls_server_name = is_named_otherwise ? bytes_of(identity.tls_server_name) : Bytes();
  const auto& servers = identity.time_servers;
  const Bytes time_hosts[kMaxTimeServers] = {bytes_of(servers[0].host), bytes_of(servers[1].host),
                                             bytes_of(servers[2].host)};
  skink_wire_DeviceIdentity message = skink_wire_DeviceIdentity_init_zero;
  supply(message.fleet, fleet);
  supply(message.device_id, device_id);
  supply(message.hmac_key, hmac_key);
  supply(message.broker_host, broker_host);
  message.broker_port = identity.broker_port;
  supply(message.tls_server_name, tls_server_name);
  supply(message.time_host, time_hosts[0]);
  message.time_port = servers[0].port;
  supply(message.time_host_2, time_hosts[1]);
  message.time_port_2 = servers[1].port;
  supply(message.time_host_3, time_hosts[2]);
  message.time_port_3 = servers[2].port;
  message.seed = identity.seed;
  supply(message.ca_certificate, identity.ca_certificate);
  supply(message.certificate, identity.certificate);
  supply(message.private_key, identity.private_key);
  supply(message.release_key, identity.release_key);
  pb_ostream_t stream = pb_ostream_from_buffer(out.data(), out.size());
  if (!pb_encode(&stream, skink_wire_DeviceIdentity_fields, &message)) return Status::kBufferTooSmall;
  written = stream.bytes_written;
  return Status::kOk;
}

// ---- the frame ------------------------------------------------------------------------------------------------------

/// Flash is erased to ones; a few families (STM32L0, L1) erase to zeros.
bool is_erased(Bytes partition) noexcept {
  if (partition.empty() || (partition[0] != 0xff && partition[0] != 0x00)) return false;
  for (const uint8_t byte : partition) {
    if (byte != partition[0]) return false;
  }
  return true;
}

}  // namespace

Status read_identity(Bytes partition, DeviceIdentity& identity) noexcept {
  if (is_erased(partition)) return Status::kUnavailable;
  if (partition.size() < kHeaderBytes) return Status::kTruncated;
  if (memcmp(partition.data(), kMagic, sizeof kMagic) != 0) return Status::kDamaged;
  const uint16_t version = load_u16(partition.data() + 4);
  if (version > wire::kIdentityVersion) return Status::kNewerVersion;
  const size_t content = load_u16(partition.data() + 6);
  if (content > kMaxContentBytes) return Status::kDamaged;
  if (partition.size() < kHeaderBytes + content + crypto::kDigestBytes) return Status::kTruncated;
  const crypto::Digest digest = crypto::sha256(partition.first(kHeaderBytes + content));
  const uint8_t* stored = partition.data() + kHeaderBytes + content;
  if (memcmp(digest.bytes, stored, crypto::kDigestBytes) != 0) return Status::kDamaged;
  if (version != wire::kIdentityVersion) return Status::kUnsupported;
  return read_content(partition.subspan(kHeaderBytes, content), identity);
}

Status write_identity(const DeviceIdentity& identity, MutableBytes out, size_t& written) noexcept {
  if (!is_valid(identity)) return Status::kInvalidArgument;
  const size_t room = out.size() < kMaxIdentityBytes ? out.size() : kMaxIdentityBytes;
  if (room < kHeaderBytes + crypto::kDigestBytes) return Status::kBufferTooSmall;
  size_t content = 0;
  const Status status =
      write_content(identity, out.subspan(kHeaderBytes, room - kHeaderBytes - crypto::kDigestBytes), content);
  if (status != Status::kOk) return status;
  memcpy(out.data(), kMagic, sizeof kMagic);
  store_u16(out.data() + 4, wire::kIdentityVersion);
  store_u16(out.data() + 6, static_cast<uint16_t>(content));
  const crypto::Digest digest = crypto::sha256({out.data(), kHeaderBytes + content});
  memcpy(out.data() + kHeaderBytes + content, digest.bytes, crypto::kDigestBytes);
  written = kHeaderBytes + content + crypto::kDigestBytes;
  return Status::kOk;
}

bool terminate(Span<const char> text, Span<char> out) noexcept {
  if (out.empty()) return false;
  out[0] = '\0';
  if (text.size() >= out.size()) return false;
  if (!text.empty()) memcpy(out.data(), text.data(), text.size());
  out[text.size()] = '\0';
  return true;
}

}  // namespace skink::provisioning
