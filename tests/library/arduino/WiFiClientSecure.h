#pragma once
// As Arduino.h here: a stand-in.
#include <stddef.h>
#include <stdint.h>
struct WiFiClientSecure {
  void setCACert(const char* pem);
  void setCertificate(const char* pem);
  void setPrivateKey(const char* pem);
  int connect(const char* host, uint16_t port);
  int available();
  int read(uint8_t* bytes, size_t count);
  size_t write(const uint8_t* bytes, size_t count);
  uint8_t connected();
  void stop();
};
