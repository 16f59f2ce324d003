#pragma once
// Stands in for what the example sketches use of an Arduino core: declarations after the names of the real ones, so that
// a sketch compiles in a test. No core is installed; nothing here was compared with one.
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#define A0 14
#define HIGH 1
#define LOW 0
#define PI 3.1415926535897932384626433832795

struct SerialPort {
  void begin(unsigned long baud);
  size_t write(const char* bytes, size_t count);
  void println(const char* text);
  int available();
  int read();
};
extern SerialPort Serial;
void delay(unsigned long ms);
unsigned long millis();
int analogRead(uint8_t pin);
long random(long limit);
void setup();
void loop();
