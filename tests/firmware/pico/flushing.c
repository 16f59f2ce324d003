/* What the float functions of the RP2040's ROM do, which Raspberry Pi's SDK puts in place of the compiler's: a denormal operand
 * or result is zero. Linked with --wrap. */
#include <stdint.h>
#include <string.h>

float __real___aeabi_fmul(float a, float b);
float __real___aeabi_fadd(float a, float b);
float __wrap___aeabi_fmul(float a, float b);
float __wrap___aeabi_fadd(float a, float b);

static float flushed(float value) {
  uint32_t bits;
  memcpy(&bits, &value, sizeof bits);
  if ((bits & 0x7f800000U) == 0) bits &= 0x80000000U;
  memcpy(&value, &bits, sizeof bits);
  return value;
}

float __wrap___aeabi_fmul(float a, float b) { return flushed(__real___aeabi_fmul(flushed(a), flushed(b))); }

float __wrap___aeabi_fadd(float a, float b) { return flushed(__real___aeabi_fadd(flushed(a), flushed(b))); }
