/// @file
/// Where a server listens: unix sockets and their files, TCP of both families, TLS and its certificates, and what is
/// refused before it begins.

#include <sys/stat.h>

#include <filesystem>
#include <fstream>

#include "test_server.hpp"
#include "unit/coordinator/pki.hpp"

using namespace skink;
using namespace skink::test;

namespace {

struct TlsDeleter {
  void operator()(SSL_CTX* context) const { SSL_CTX_free(context); }
};
using TlsClient = std::unique_ptr<SSL_CTX, TlsDeleter>;

/// Trusts `certificate`, which is its own authority.
TlsClient trusting(const std::string& file) {
  TlsClient context(SSL_CTX_new(TLS_client_method()));
  SSL_CTX_set_verify(context.get(), SSL_VERIFY_PEER, nullptr);
  REQUIRE(SSL_CTX_load_verify_locations(context.get(), file.c_str(), nullptr) == 1);
  return context;
}

/// server.pem, server.key and other.pem, other.key.
class Certificates {
 public:
  Certificates() {
    write("server");
    write("other");
  }
  void write(const std::string& name) const {
    const SelfSigned made = self_signed({.is_authority = false});
    folder.write(name + ".pem", made.certificate);
    folder.write(name + ".key", made.key);
  }
  http::ServerOptions options() const {
    http::ServerOptions options = test_options();
    options.tls = {folder.file("server.pem"), folder.file("server.key")};
    options.tcp[0].transport = http::Transport::kTls;
    return options;
  }
  TemporaryFolder folder;
};

std::string refusal_of(http::ServerOptions options) {
  const auto server = http::Server::create(std::move(options), test_routes());
  return server ? "" : server.error().message;
}

bool has(const std::string& text, const std::string& part) { return text.find(part) != std::string::npos; }

}  // namespace

TEST_CASE("unix socket: mode 0660, needs no Host of ours, gone in the end", "[coordinator][http][addresses]") {
  const TemporaryFolder folder;
  const std::string path = folder.file("http.sock");
  http::ServerOptions options = test_options();
  options.tcp.clear();
  options.unix_socket = path;
  options.limits.connections = 1;  // of TCP
  options.authentication.authenticate = [](std::string_view, const http::Peer& peer) -> std::optional<http::Principal> {
    if (peer.kind != http::PeerKind::kUnix) return std::nullopt;
    return http::Principal{peer.address, http::Scope::kAdmin};
  };
  const mode_t before = ::umask(0);
  auto server = http::Server::create(std::move(options), test_routes());
  ::umask(before);
  REQUIRE(server.has_value());
  struct stat status {};
  REQUIRE(::stat(path.c_str(), &status) == 0);
  CHECK((status.st_mode & 07777) == 0660);
  SocketClient client(path), other(path);
  client.send("GET /runs HTTP/1.1\r\nHost: whatever\r\n\r\n");
  CHECK(client.read_answer().body == "unix");
  CHECK(other.get("/plain").status == 200);
  (*server)->stop();
  CHECK_FALSE(std::filesystem::exists(path));
}

TEST_CASE("unix socket: what is in the way", "[coordinator][http][addresses]") {
  const TemporaryFolder folder;
  http::ServerOptions options = test_options();
  options.tcp.clear();
  options.unix_socket = folder.file("http.sock");
  {  // left by a process that was killed
    const int fd = ::socket(AF_UNIX, SOCK_STREAM, 0);
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    std::memcpy(address.sun_path, options.unix_socket.data(), options.unix_socket.size());
    REQUIRE(::bind(fd, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0);
    ::close(fd);
  }
  const auto server = http::Server::create(options, test_routes());
  REQUIRE(server.has_value());
  CHECK(has(refusal_of(options), "another process serves there"));
  CHECK(SocketClient(options.unix_socket).get("/plain").status == 200);  // the first one, unharmed
  http::ServerOptions at_file = options;
  at_file.unix_socket = folder.file("file");
  folder.write("file", "precious");
  CHECK(has(refusal_of(at_file), "no socket"));
  CHECK(read_file(at_file.unix_socket).value() == "precious");
  at_file.unix_socket = folder.file("no/folder");
  CHECK(has(refusal_of(at_file), "No such file"));
  at_file.unix_socket = "/" + std::string(107, 'x');
  CHECK(has(refusal_of(at_file), "at most 107 bytes"));
}

TEST_CASE("addresses: IPv6, several at once, and one that is taken", "[coordinator][http][addresses]") {
  http::ServerOptions options = test_options();
  options.tcp.push_back({"127.0.0.3", 0, http::Transport::kPlain});
  options.tcp.push_back({"::1", 0, http::Transport::kPlain});
  const bool has_ipv6 =
      std::filesystem::exists("/proc/net/if_inet6") && !read_file("/proc/net/if_inet6").value().empty();
  if (!has_ipv6) {
    WARN("skipped: no IPv6 here");
    options.tcp.pop_back();
  }
  const TestServer server(options);
  auto& addresses = const_cast<TestServer&>(server).server().tcp_addresses();
  REQUIRE(addresses.size() == options.tcp.size());
  for (const auto& address : addresses) CHECK(address.port != 0);
  if (has_ipv6) {
    const int fd = ::socket(AF_INET6, SOCK_STREAM, 0);
    sockaddr_in6 address{};
    address.sin6_family = AF_INET6;
    address.sin6_addr = in6addr_loopback;
    address.sin6_port = htons(addresses[2].port);
    REQUIRE(::connect(fd, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0);
    const std::string request = "GET /plain HTTP/1.0\r\nHost: [::1]\r\n\r\n";
    REQUIRE(::send(fd, request.data(), request.size(), 0) == static_cast<ssize_t>(request.size()));
    char bytes[16] = {};
    REQUIRE(::recv(fd, bytes, 15, MSG_WAITALL) == 15);
    CHECK(std::string(bytes) == "HTTP/1.1 200 OK");
    ::close(fd);
  }
  options.tcp = {addresses[0]};
  CHECK(has(refusal_of(options), "in use"));
}

TEST_CASE("addresses: nothing but loopback without TLS and tokens", "[coordinator][http][addresses]") {
  const Certificates certificates;
  http::ServerOptions options = certificates.options();
  options.tcp[0] = {"0.0.0.0", 0, http::Transport::kPlain};
  CHECK(has(refusal_of(options), "wants TLS"));
  CHECK(has(refusal_of(options), "listen on 127.0.0.1"));
  options.tcp[0] = {"::", 0, http::Transport::kPlain};
  CHECK(has(refusal_of(options), "wants TLS"));
  options.tcp[0] = {"0.0.0.0", 0, http::Transport::kTls};
  CHECK(refusal_of(options).empty());
  options.authentication.tokens = http::Tokens::kOptional;
  CHECK(has(refusal_of(options), "require tokens"));
  options = certificates.options();
  options.tls.reset();
  CHECK(has(refusal_of(options), "certificate chain"));
  options = test_options();
  options.tcp[0].address = "localhost";
  CHECK(has(refusal_of(options), "write one like 127.0.0.1"));
  options.tcp.clear();
  CHECK(has(refusal_of(options), "without an address"));
  options = test_options();
  options.limits.streams = 0;
  CHECK(has(refusal_of(options), "limit streams"));
  options = test_options();
  options.limits.idle_time = std::chrono::milliseconds(0);
  CHECK(has(refusal_of(options), "limit idle_time"));
}

TEST_CASE("tls: requests, streams, and clients that do not trust the certificate", "[coordinator][http][addresses]") {
  const Certificates certificates;
  const auto hub = std::make_shared<http::EventHub>();
  http::Router router = test_routes();
  router.add_server_sent_events("/events", http::Scope::kNone, "events", hub);
  TestServer server(certificates.options(), std::move(router));
  const TlsClient trust = trusting(certificates.folder.file("server.pem"));
  SocketClient client = server.client();
  REQUIRE(client.start_tls(trust.get()));
  CHECK(client.get("/plain").body == "plain");
  CHECK(client.get("/runs", "Authorization: Bearer read\r\n").body == "a read");
  const Answer large = client.get("/large");
  CHECK((large.is_complete && large.body.size() == 16 << 20));
  CHECK(client.get("/events").status == 200);
  REQUIRE(server.wait_until([](const auto& now) { return now.streams == 1; }));
  REQUIRE(hub->publish("a", "{}").has_value());
  CHECK(client.read_until("\n\n") == "id: 1\nevent: a\ndata: {}\n\n");

  const TlsClient distrust = trusting(certificates.folder.file("other.pem"));
  SocketClient careful = server.client();
  CHECK_FALSE(careful.start_tls(distrust.get()));
  SocketClient plain = server.client();
  plain.send("GET /plain HTTP/1.1\r\nHost: localhost\r\n\r\n");
  CHECK(plain.read_answer().status == 0);
  CHECK(plain.is_closed());
}

TEST_CASE("tls: 1.2 and 1.3, nothing older; a large body that is refused", "[coordinator][http][addresses]") {
  const Certificates certificates;
  TestServer server(certificates.options());
  for (const int version : {TLS1_1_VERSION, TLS1_2_VERSION, TLS1_3_VERSION}) {
    const TlsClient trust = trusting(certificates.folder.file("server.pem"));
    SSL_CTX_set_security_level(trust.get(), 0);
    SSL_CTX_set_min_proto_version(trust.get(), version);
    SSL_CTX_set_max_proto_version(trust.get(), version);
    SocketClient client = server.client();
    CAPTURE(version);
    CHECK(client.start_tls(trust.get()) == (version != TLS1_1_VERSION));
  }
  const TlsClient trust = trusting(certificates.folder.file("server.pem"));
  SocketClient client = server.client();
  REQUIRE(client.start_tls(trust.get()));
  client.send("POST /echo HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1073741824\r\n\r\n" + std::string(65536, 'x'));
  CHECK(is_problem(client.read_answer(), 413, "body-too-large"));
}

TEST_CASE("tls: a certificate is read again on demand", "[coordinator][http][addresses]") {
  const Certificates certificates;
  TestServer server(certificates.options());
  const TlsClient before = trusting(certificates.folder.file("server.pem"));
  SocketClient old = server.client();
  REQUIRE(old.start_tls(before.get()));
  certificates.folder.write("server.pem", "damaged");
  const auto damaged = server.server().reload_certificate();
  REQUIRE_FALSE(damaged.has_value());
  CHECK(damaged.error().code == Status::kDamaged);
  CHECK(has(damaged.error().message, certificates.folder.file("server.pem")));
  CHECK(server.client().start_tls(before.get()));  // the old one stays in use
  certificates.write("server");
  const TlsClient after = trusting(certificates.folder.file("server.pem"));
  REQUIRE(server.server().reload_certificate().has_value());
  CHECK(server.wait_until([&](const auto&) { return server.client().start_tls(after.get()); }));
  CHECK_FALSE(server.client().start_tls(before.get()));
  CHECK(old.get("/plain").status == 200);
  TestServer plain;
  CHECK_FALSE(plain.server().reload_certificate().has_value());
}

TEST_CASE("tls: files that are not what they should be are named", "[coordinator][http][addresses]") {
  const Certificates certificates;
  const auto refusal = [&](const std::string& certificate, const std::string& key) {
    http::ServerOptions options = certificates.options();
    options.tls = {certificates.folder.file(certificate), certificates.folder.file(key)};
    return refusal_of(std::move(options));
  };
  CHECK(has(refusal("none.pem", "server.key"), "none.pem"));
  CHECK(has(refusal("server.pem", "none.key"), "none.key"));
  CHECK(has(refusal("server.key", "server.key"), "no certificate in PEM form"));
  CHECK(has(refusal("server.pem", "server.pem"), "no private key"));
  CHECK(has(refusal("server.pem", "other.key"), "does not belong to the certificate"));
}
