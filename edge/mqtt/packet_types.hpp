#pragma once
/// @file
/// First bytes of packets (2.2), with the flags that the standard demands.

#include <stddef.h>
#include <stdint.h>

namespace skink::edge::mqtt {

inline constexpr uint8_t kConnect = 0x10;
inline constexpr uint8_t kConnack = 0x20;
inline constexpr uint8_t kPublish = 0x30;
inline constexpr uint8_t kPuback = 0x40;
inline constexpr uint8_t kSubscribe = 0x82;
inline constexpr uint8_t kSuback = 0x90;
inline constexpr uint8_t kUnsubscribe = 0xa2;
inline constexpr uint8_t kUnsuback = 0xb0;
inline constexpr uint8_t kPingRequest = 0xc0;
inline constexpr uint8_t kPingResponse = 0xd0;
inline constexpr uint8_t kDisconnect = 0xe0;

inline constexpr uint8_t kQos1 = 0x02;
inline constexpr uint8_t kRetain = 0x01;
inline constexpr size_t kMaxRemaining = 268435455;  ///< 2.2.3

}  // namespace skink::edge::mqtt
