/* skink-openssl-device: a device whose TLS is another library's, OpenSSL, and whose private key a secure element may
 * keep: a token of PKCS #11, that of an HSM, a TPM or a chip.
 *
 *     skink-openssl-device --identity BLOB --flash FILE --recording FILE [--module LIBRARY] [--pin FILE]
 *
 * Where the identity names a key (skinkctl provision --request), that is its address in the token (RFC 7512). OpenSSL
 * then asks the token to sign in each handshake, by its engine "pkcs11" and the token's LIBRARY; the first line of the
 * PIN's file opens it. What skink.h asks of a stream is all here, in turn(): docs/porting.md, "Cryptography". */

#define _POSIX_C_SOURCE 200809L
#define OPENSSL_SUPPRESS_DEPRECATED /* engines: OpenSSL 3.0 has no other way to PKCS #11 */
#include <fcntl.h>
#include <netdb.h>
#include <openssl/engine.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "skink/firmware/posix/platform.h"
#include "skink/skink.h"

enum { SECTOR_BYTES = 4096, SECTORS = 128, SLOT_SECTORS = 15, ARENA_BYTES = 256 * 1024, OUT_BYTES = 1024 };
enum { FIRST_WAIT_MS = 1000, LONGEST_WAIT_MS = 60000, ANSWER_MS = 30000, LONGEST_SLEEP_MS = 60000 };

typedef enum stage { WAITING, SHAKING_HANDS, OPEN } stage;

static skink_device device; /* nothing of Skink's is on the heap; OpenSSL's is its own business */
static skink_identity identity;
static uint64_t arena[ARENA_BYTES / sizeof(uint64_t)];
static uint8_t identity_image[4096];
static uint8_t recording[4 * 1024 * 1024];
static volatile sig_atomic_t is_stopped;

static struct {
  SSL_CTX* context;
  SSL* tls;
  stage stage;
  int socket;
  int wants_to_write;
  uint64_t wake_ms;      /* when WAITING ends */
  uint64_t answer_by_ms; /* of TCP and TLS */
  unsigned failures;     /* since a handshake was done */
  uint8_t out[OUT_BYTES];
  size_t out_count;
} stream;

struct options {
  const char* identity;
  const char* flash;
  const char* recording;
  const char* module;
  const char* pin;
};

static void stop(int number) {
  (void)number;
  is_stopped = 1;
}

static void say(const char* what, const char* why) {
  printf("%s: %s\n", what, why);
  (void)fflush(stdout);
}

/* What OpenSSL holds against it. */
static const char* reason(void) {
  const char* const text = ERR_reason_error_string(ERR_peek_last_error());
  ERR_clear_error();
  return text != NULL ? text : "the connection broke";
}

/* ---- certificates and key */

/* The first line of a file, in static memory; NULL: none. */
static const char* first_line(const char* path) {
  static char line[128];
  FILE* const file = path != NULL ? fopen(path, "r") : NULL;
  const char* const found = file != NULL ? fgets(line, sizeof line, file) : NULL;
  if (file != NULL) (void)fclose(file);
  if (found != NULL) line[strcspn(line, "\r\n")] = '\0';
  return found;
}

/* The engine stays for as long as the program runs. */
static EVP_PKEY* key_of_token(skink_bytes name, const struct options* options) {
  char address[128] = "";
  const char* const pin = first_line(options->pin);
  ENGINE* engine;
  memcpy(address, name.data, name.count < sizeof address ? name.count : 0);
  if (options->module == NULL) return NULL;
  ENGINE_load_dynamic();
  engine = ENGINE_by_id("pkcs11");
  if (engine == NULL || ENGINE_ctrl_cmd_string(engine, "MODULE_PATH", options->module, 0) != 1) return NULL;
  if (pin != NULL && ENGINE_ctrl_cmd_string(engine, "PIN", pin, 0) != 1) return NULL;
  if (ENGINE_init(engine) != 1) return NULL;
  return ENGINE_load_private_key(engine, address, NULL, NULL);
}

static EVP_PKEY* key_of(skink_bytes private_key, const struct options* options) {
  const unsigned char* der = private_key.data;
  const skink_bytes name = skink_key_name(private_key);
  if (name.count != 0) return key_of_token(name, options);
  return d2i_AutoPrivateKey(NULL, &der, (long)private_key.count);
}

/* One authority or two, one after the other. */
static int trust(SSL_CTX* context, skink_bytes authorities) {
  const unsigned char* der = authorities.data;
  const unsigned char* const end = der + authorities.count;
  int count = 0;
  while (der < end) {
    X509* const authority = d2i_X509(NULL, &der, (long)(end - der));
    if (authority == NULL) return 0;
    count += X509_STORE_add_cert(SSL_CTX_get_cert_store(context), authority);
    X509_free(authority);
  }
  return count;
}

/* A chain of the fleet's authority, and in its certificate the name that the identity says. */
static int configure(const struct options* options) {
  skink_credentials own;
  EVP_PKEY* key;
  int is_done;
  skink_get_credentials(&device, &own);
  stream.context = SSL_CTX_new(TLS_client_method());
  key = key_of(own.private_key, options);
  if (stream.context == NULL || key == NULL) return 0;
  is_done = SSL_CTX_set_min_proto_version(stream.context, TLS1_2_VERSION) == 1 &&
            trust(stream.context, own.authorities) > 0 &&
            SSL_CTX_use_certificate_ASN1(stream.context, (int)own.certificate.count, own.certificate.data) == 1 &&
            SSL_CTX_use_PrivateKey(stream.context, key) == 1 && SSL_CTX_check_private_key(stream.context) == 1;
  EVP_PKEY_free(key);
  SSL_CTX_set_verify(stream.context, SSL_VERIFY_PEER, NULL);
  return is_done;
}

/* ---- the stream */

static void close_stream(const char* why, uint64_t now_ms) {
  uint64_t wait_ms = (uint64_t)FIRST_WAIT_MS << (stream.failures < 10 ? stream.failures : 10);
  if (stream.stage == OPEN) {
    (void)SSL_shutdown(stream.tls);
    skink_disconnected(&device);
  } else if (stream.stage == SHAKING_HANDS) {
    skink_connection_failed(&device);
  }
  ERR_clear_error();
  SSL_free(stream.tls);
  if (stream.socket >= 0) (void)close(stream.socket);
  stream.tls = NULL;
  stream.socket = -1;
  stream.out_count = 0;
  stream.stage = WAITING;
  ++stream.failures;
  if (wait_ms > LONGEST_WAIT_MS) wait_ms = LONGEST_WAIT_MS;
  stream.wake_ms =
      now_ms + wait_ms / 2 + (identity.seed >> (stream.failures % 32)) % wait_ms; /* not in step with the fleet */
  say("connection", why);
}

static int begin_to_connect(void) {
  struct addrinfo hints = {0};
  struct addrinfo* found = NULL;
  char port[8];
  int made = -1;
  (void)snprintf(port, sizeof port, "%u", (unsigned)identity.broker_port);
  hints.ai_socktype = SOCK_STREAM;
  if (getaddrinfo(identity.broker_host, port, &hints, &found) != 0) return -1;
  made = socket(found->ai_family, found->ai_socktype, found->ai_protocol);
  if (made >= 0) {
    (void)fcntl(made, F_SETFL, O_NONBLOCK);
    (void)connect(made, found->ai_addr, found->ai_addrlen); /* what fails, the handshake will see */
  }
  freeaddrinfo(found);
  return made;
}

static void begin(uint64_t now_ms) {
  stream.socket = begin_to_connect();
  stream.tls = SSL_new(stream.context);
  if (stream.socket < 0 || stream.tls == NULL || SSL_set_fd(stream.tls, stream.socket) != 1 ||
      SSL_set_tlsext_host_name(stream.tls, identity.server_name) != 1 ||
      SSL_set1_host(stream.tls, identity.server_name) != 1) {
    close_stream("the broker's name cannot be resolved", now_ms);
    return;
  }
  stream.stage = SHAKING_HANDS;
  stream.answer_by_ms = now_ms + ANSWER_MS;
}

/* Whether a result of OpenSSL says: later. */
static int is_pending(int result) {
  const int error = SSL_get_error(stream.tls, result);
  stream.wants_to_write = error == SSL_ERROR_WANT_WRITE;
  return error == SSL_ERROR_WANT_READ || error == SSL_ERROR_WANT_WRITE;
}

static void shake_hands(uint64_t now_ms) {
  int result;
  struct pollfd connected = {stream.socket, POLLOUT, 0};
  if (poll(&connected, 1, 0) == 0) { /* TCP is not there yet */
    stream.wants_to_write = 1;
    return;
  }
  result = SSL_connect(stream.tls);
  if (result != 1) {
    if (!is_pending(result)) close_stream(reason(), now_ms);
    return;
  }
  stream.stage = OPEN;
  stream.failures = 0;
  say("connection", SSL_get_version(stream.tls));
  if (skink_connected(&device, now_ms) != SKINK_OK) close_stream("the device has no identity", now_ms);
}

/* OpenSSL wants the same bytes again when the socket took a part of their record, so they are kept here.
 * 1: goes on; 0: the stream takes no more now, or is closed */
static int send_output(uint64_t now_ms) {
  for (;;) {
    int result;
    if (stream.out_count == 0) {
      const skink_bytes output = skink_output(&device, now_ms);
      if (output.count == 0) return 1;
      stream.out_count = output.count < sizeof stream.out ? output.count : sizeof stream.out;
      memcpy(stream.out, output.data, stream.out_count);
      skink_sent(&device, stream.out_count, now_ms);
    }
    result = SSL_write(stream.tls, stream.out, (int)stream.out_count); /* all of it, or nothing yet */
    if (result <= 0) {
      if (!is_pending(result)) close_stream(reason(), now_ms);
      return 0;
    }
    stream.out_count = 0;
  }
}

static void exchange(uint64_t now_ms) {
  uint8_t bytes[512];
  while (stream.stage == OPEN && send_output(now_ms)) {
    const int result = SSL_read(stream.tls, bytes, sizeof bytes);
    if (result <= 0) {
      if (!is_pending(result)) close_stream(reason(), now_ms);
      return;
    }
    if (skink_receive(&device, bytes, (size_t)result, now_ms) != SKINK_OK) {
      close_stream("the broker refused, or its bytes make no sense", now_ms);
    }
  }
}

/* All that can be done without waiting. */
static void turn(uint64_t now_ms, uint64_t* next_ms) {
  const int was_open = stream.stage == OPEN;
  stream.wants_to_write = 0;
  if (stream.stage == WAITING && now_ms >= stream.wake_ms) begin(now_ms);
  if (stream.stage == SHAKING_HANDS) shake_hands(now_ms);
  if (stream.stage == OPEN) exchange(now_ms);
  if (stream.stage == SHAKING_HANDS && now_ms >= stream.answer_by_ms)
    close_stream("the broker does not answer", now_ms);
  if (skink_poll(&device, now_ms, next_ms) != SKINK_OK && was_open && stream.stage == OPEN) {
    close_stream("the broker is silent", now_ms);
  }
  if (stream.stage == OPEN) (void)send_output(now_ms);
  if (stream.stage == WAITING && stream.wake_ms < *next_ms) *next_ms = stream.wake_ms;
  if (stream.stage == SHAKING_HANDS && stream.answer_by_ms < *next_ms) *next_ms = stream.answer_by_ms;
}

static void wait_until(uint64_t now_ms, uint64_t until_ms) {
  struct pollfd waited = {stream.socket, POLLIN, 0};
  const uint64_t left = until_ms > now_ms ? until_ms - now_ms : 0;
  if (left == 0) return;
  if (stream.wants_to_write) waited.events |= POLLOUT;
  (void)poll(&waited, stream.socket >= 0 ? 1 : 0, left < LONGEST_SLEEP_MS ? (int)left : LONGEST_SLEEP_MS);
}

/* ---- the device */

static void on_round(void* context, uint32_t round, skink_round_event event) {
  static const char* const texts[] = {"task taken", "accepted", "refused", "given up"};
  (void)context;
  printf("round %lu: %s\n", (unsigned long)round, texts[event]);
  (void)fflush(stdout);
}

static int failed(const char* what, const char* why) {
  (void)fprintf(stderr, "skink-openssl-device: %s: %s\n", what, why);
  return 1;
}

static int read_options(int count, char** values, struct options* options) {
  int i;
  for (i = 1; i + 1 < count; i += 2) {
    const char** const place = strcmp(values[i], "--identity") == 0    ? &options->identity
                               : strcmp(values[i], "--flash") == 0     ? &options->flash
                               : strcmp(values[i], "--recording") == 0 ? &options->recording
                               : strcmp(values[i], "--module") == 0    ? &options->module
                               : strcmp(values[i], "--pin") == 0       ? &options->pin
                                                                       : NULL;
    if (place == NULL) return 0;
    *place = values[i + 1];
  }
  return i == count && options->identity != NULL && options->flash != NULL && options->recording != NULL;
}

static skink_status open_device(const struct options* options, skink_flash_file* flash_file) {
  skink_config config = {0};
  skink_bytes image;
  skink_status status = skink_read_file(options->identity, identity_image, sizeof identity_image, &image);
  if (status == SKINK_OK) status = skink_read_identity(image, &identity);
  if (status == SKINK_OK) status = skink_read_file(options->recording, recording, sizeof recording, &config.recording);
  if (status == SKINK_OK)
    status = skink_flash_file_open(flash_file, options->flash, SECTOR_BYTES, SECTORS, &config.flash);
  config.identity = &identity;
  config.firmware = "skink-openssl-device";
  config.arena = (uint8_t*)arena;
  config.arena_bytes = sizeof arena;
  config.keep_alive_s = 60;
  config.model_sectors = SLOT_SECTORS;
  config.release_sectors = SLOT_SECTORS;
  config.residual_sectors = SLOT_SECTORS;
  config.personal_sectors = SLOT_SECTORS;
  config.events.on_round = on_round;
  return status == SKINK_OK ? skink_init(&device, &config) : status;
}

int main(int count, char** values) {
  struct options options = {0};
  skink_flash_file flash_file = {-1, 0, 0};
  struct sigaction action = {0};
  skink_status status;
  if (!read_options(count, values, &options)) {
    (void)fprintf(
        stderr, "skink-openssl-device --identity BLOB --flash FILE --recording FILE [--module LIBRARY] [--pin FILE]\n");
    return 2;
  }
  action.sa_handler = stop;
  (void)sigaction(SIGTERM, &action, NULL);
  (void)sigaction(SIGINT, &action, NULL);
  action.sa_handler = SIG_IGN;
  (void)sigaction(SIGPIPE, &action, NULL);
  stream.socket = -1;
  status = open_device(&options, &flash_file);
  if (status != SKINK_OK) return failed("the device", skink_status_text(status));
  if (!configure(&options)) return failed("certificates and key", reason());
  while (!is_stopped) {
    const uint64_t now_ms = skink_posix_now_ms();
    uint64_t next_ms;
    turn(now_ms, &next_ms);
    wait_until(now_ms, next_ms);
  }
  if (stream.stage == OPEN) close_stream("closed by this device", skink_posix_now_ms());
  SSL_CTX_free(stream.context);
  skink_flash_file_close(&flash_file);
  return 0;
}
