#pragma once
/// @file
/// Compile-time options of the client.

/// Largest payload of one update message, bytes. Costs as much RAM in every Client. Range 64..65536.
#ifndef SKINK_EDGE_CHUNK_BYTES
#define SKINK_EDGE_CHUNK_BYTES 4096
#endif
static_assert(SKINK_EDGE_CHUNK_BYTES >= 64 && SKINK_EDGE_CHUNK_BYTES <= 65536, "SKINK_EDGE_CHUNK_BYTES: 64..65536");

/// Most chunks a model may have (a chunk has what the coordinator says, 256 to 4096 bytes). Costs two bits of RAM each.
/// Range 8..65536, multiple of 8.
#ifndef SKINK_EDGE_MAX_MODEL_CHUNKS
#define SKINK_EDGE_MAX_MODEL_CHUNKS 1024
#endif
static_assert(SKINK_EDGE_MAX_MODEL_CHUNKS >= 8 && SKINK_EDGE_MAX_MODEL_CHUNKS <= 65536 &&
                  SKINK_EDGE_MAX_MODEL_CHUNKS % 8 == 0,
              "SKINK_EDGE_MAX_MODEL_CHUNKS: 8..65536, a multiple of 8");

/// 1: a device may adapt the model for itself (Client::adapt_now()) and keep what came of it. 0: it cannot, and an
/// image holds none of the code; judging releases stays.
#ifndef SKINK_EDGE_PERSONAL
#define SKINK_EDGE_PERSONAL 1
#endif

/// 1: the embedded device may have its key and certificate renewed over the connection
/// (skink/firmware/credential_store.hpp). 0: it may not, and an image holds none of the code.
#ifndef SKINK_EDGE_RENEWAL
#define SKINK_EDGE_RENEWAL 1
#endif
