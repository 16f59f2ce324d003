// Compares what this board computes with the reference implementation. Do not go on before every line says "ok".

#include <Skink.h>

alignas(8) static uint8_t memory[skink::firmware::selftest::kMemoryBytes];

static void toSerial(void*, const char* text, size_t count) { Serial.write(text, count); }

void setup() {
  Serial.begin(115200);
  skink::firmware::set_log(toSerial, nullptr);
}

void loop() {
  skink::firmware::selftest::run_all(memory);
  delay(10000);
}
