#pragma once
/// @file
/// What is fuzzed. Each harness takes any bytes; a broken promise ends the process. The same functions run under
/// libFuzzer (scripts/fuzz) and, over the committed corpus, with every test run (corpus_test.cpp).

#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>

#include "skink/common/span.hpp"

namespace skink::test {

void fuzz_archive(Bytes input);
void fuzz_checkpoint(Bytes input);
void fuzz_claim(Bytes input);
void fuzz_flash(Bytes input);
void fuzz_client(Bytes input);
void fuzz_codec(Bytes input);
void fuzz_coordinator(Bytes input);
void fuzz_csv(Bytes input);
void fuzz_datagram(Bytes input);
void fuzz_dataset(Bytes input);
void fuzz_experiment(Bytes input);
void fuzz_http(Bytes input);
void fuzz_identity(Bytes input);
void fuzz_import(Bytes input);
void fuzz_json(Bytes input);
void fuzz_messages(Bytes input);
void fuzz_model(Bytes input);
void fuzz_mqtt(Bytes input);
void fuzz_npy(Bytes input);
void fuzz_recording(Bytes input);
void fuzz_release(Bytes input);
void fuzz_settings(Bytes input);
void fuzz_store(Bytes input);
void fuzz_topic(Bytes input);

/// A promise of the code under test.
inline void promise(bool kept, const char* what) {
  if (kept) return;
  std::fprintf(stderr, "broken promise: %s\n", what);
  std::abort();
}

}  // namespace skink::test
