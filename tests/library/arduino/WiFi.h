#pragma once
// As Arduino.h here: a stand-in.
#define WL_CONNECTED 3
struct WiFiClass {
  int begin(const char* network, const char* password);
  int status();
};
extern WiFiClass WiFi;
