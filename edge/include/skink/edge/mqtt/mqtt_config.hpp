#pragma once
/// @file
/// Compile-time options of the MQTT connection.

/// Longest topic name, sent or received, bytes. Longer ones are refused, or skipped and counted. Range 32..1024.
#ifndef SKINK_MQTT_TOPIC_BYTES
#define SKINK_MQTT_TOPIC_BYTES 224
#endif
static_assert(SKINK_MQTT_TOPIC_BYTES >= 32 && SKINK_MQTT_TOPIC_BYTES <= 1024, "SKINK_MQTT_TOPIC_BYTES: 32..1024");

/// How long a broker may take for an answer (CONNACK, PINGRESP, PUBACK), ms: longer than TCP is silent where a packet
/// is lost five times in a row (1 + 2 + 4 + 8 + 16 s). Range 1000..300000.
#ifndef SKINK_MQTT_ANSWER_MS
#define SKINK_MQTT_ANSWER_MS 40000
#endif
static_assert(SKINK_MQTT_ANSWER_MS >= 1000 && SKINK_MQTT_ANSWER_MS <= 300000, "SKINK_MQTT_ANSWER_MS: 1000..300000");
