/* What the ROM of an ESP8266 has, and Debian's libgcc for its core therefore leaves out: division of whole numbers, and single
 * precision in software, to nearest, ties to even, with subnormal numbers (IEEE 754-2008). Straight rather than fast. That it is right,
 * the self-test says, which compares bits. */

#include <stdint.h>

enum { EXPONENT_MOST = 0xff };
static const uint32_t kNan = 0x7fc00000;

/* ---- whole numbers */

uint64_t __muldi3(uint64_t a, uint64_t b);
uint64_t __udivdi3(uint64_t a, uint64_t b);
uint64_t __umoddi3(uint64_t a, uint64_t b);
uint32_t __udivsi3(uint32_t a, uint32_t b);
uint32_t __umodsi3(uint32_t a, uint32_t b);
int32_t __divsi3(int32_t a, int32_t b);

static uint64_t product(uint32_t a, uint32_t b) {
  const uint32_t low = (a & 0xffff) * (b & 0xffff);
  const uint32_t middle = (a >> 16) * (b & 0xffff) + (low >> 16); /* at most 2^32 - 2^17 + 2^16 */
  const uint32_t other = (a & 0xffff) * (b >> 16) + (middle & 0xffff);
  const uint32_t high = (a >> 16) * (b >> 16) + (middle >> 16) + (other >> 16);
  return (uint64_t)high << 32 | (other << 16 | (low & 0xffff));
}

uint64_t __muldi3(uint64_t a, uint64_t b) {
  const uint32_t a_low = (uint32_t)a, b_low = (uint32_t)b;
  const uint32_t cross = a_low * (uint32_t)(b >> 32) + (uint32_t)(a >> 32) * b_low;
  return product(a_low, b_low) + ((uint64_t)cross << 32);
}

static uint64_t divide(uint64_t a, uint64_t b, uint64_t* rest) {
  uint64_t quotient = 0, left = 0;
  for (int i = 63; i >= 0; --i) {
    const int carries = (int)(left >> 63);
    left = left << 1 | (a >> i & 1);
    if (carries || left >= b) {
      left -= b;
      quotient |= (uint64_t)1 << i;
    }
  }
  *rest = left;
  return quotient;
}

uint64_t __udivdi3(uint64_t a, uint64_t b) {
  uint64_t rest;
  return divide(a, b, &rest);
}
uint64_t __umoddi3(uint64_t a, uint64_t b) {
  uint64_t rest;
  (void)divide(a, b, &rest);
  return rest;
}

static uint32_t divide_words(uint32_t a, uint32_t b, uint32_t* rest) {
  uint32_t quotient = 0, left = 0;
  for (int i = 31; i >= 0; --i) {
    const int carries = (int)(left >> 31);
    left = left << 1 | (a >> i & 1);
    if (carries || left >= b) {
      left -= b;
      quotient |= (uint32_t)1 << i;
    }
  }
  *rest = left;
  return quotient;
}

uint32_t __udivsi3(uint32_t a, uint32_t b) {
  uint32_t rest;
  return divide_words(a, b, &rest);
}
uint32_t __umodsi3(uint32_t a, uint32_t b) {
  uint32_t rest;
  (void)divide_words(a, b, &rest);
  return rest;
}
int32_t __divsi3(int32_t a, int32_t b) {
  const uint32_t size = __udivsi3(a < 0 ? 0U - (uint32_t)a : (uint32_t)a, b < 0 ? 0U - (uint32_t)b : (uint32_t)b);
  return (int32_t)((a < 0) != (b < 0) ? 0U - size : size);
}

/* ---- single precision. A significand in work has its first bit at 30, and below the result's last bit, 7, what is rounded away */

uint32_t __addsf3(uint32_t a, uint32_t b);
uint32_t __subsf3(uint32_t a, uint32_t b);
uint32_t __mulsf3(uint32_t a, uint32_t b);
uint32_t __floatsisf(int32_t a);
uint32_t __floatunsisf(uint32_t a);

static int exponent_of(uint32_t a) { return (int)(a >> 23 & 0xff); }
static uint32_t fraction_of(uint32_t a) { return a & 0x7fffff; }
static int is_nan(uint32_t a) { return (a & 0x7fffffff) > 0x7f800000; }

static int leading_zeros(uint32_t a) {
  int count = 0;
  for (; count < 32 && !(a & 0x80000000U); ++count) a <<= 1;
  return count;
}

/* What is shifted out stays as a last bit. */
static uint32_t shift_right(uint32_t a, int count) {
  if (count <= 0) return a;
  if (count >= 32) return a != 0;
  return a >> count | ((a << (32 - count)) != 0);
}

/* The value of significand / 2^30 * 2^(exponent - 126). */
static uint32_t rounded(uint32_t sign, int exponent, uint32_t significand) {
  uint32_t below;
  if (exponent < 0) {
    significand = shift_right(significand, -exponent);
    exponent = 0;
  }
  below = significand & 0x7f;
  significand = (significand + 0x40) >> 7;
  if (below == 0x40) significand &= ~1U;
  if (exponent > 0xfd || (exponent == 0xfd && significand >= 0x1000000)) return sign << 31 | 0x7f800000;
  return (sign << 31) + ((uint32_t)(significand == 0 ? 0 : exponent) << 23) + significand; /* the first bit is 1 more of the exponent */
}

static uint32_t normalised(uint32_t sign, int exponent, uint32_t significand) {
  const int shift = leading_zeros(significand) - 1;
  if (significand == 0) return sign << 31;
  if (shift < 0) return rounded(sign, exponent + 1, shift_right(significand, 1));
  return rounded(sign, exponent - shift, significand << shift);
}

/* First bit at 30; that of a subnormal number anywhere. */
static uint32_t significand_of(uint32_t a) { return exponent_of(a) == 0 ? fraction_of(a) << 8 : (fraction_of(a) | 0x800000) << 7; }

/* First bit at 29, so that a sum has room: worth half of what rounded() takes it for, which its exponent makes up. */
static uint32_t half_of(uint32_t a) { return significand_of(a) >> (exponent_of(a) == 0 ? 2 : 1); }
static int scale_of(uint32_t a) { return exponent_of(a) == 0 ? 1 : exponent_of(a); }

uint32_t __addsf3(uint32_t a, uint32_t b) {
  uint32_t smaller;
  if (is_nan(a) || is_nan(b)) return kNan;
  if ((a & 0x7fffffff) < (b & 0x7fffffff)) {
    const uint32_t swapped = a;
    a = b;
    b = swapped;
  }
  if (exponent_of(a) == EXPONENT_MOST) return exponent_of(b) == EXPONENT_MOST && a != b ? kNan : a;
  if ((b & 0x7fffffff) == 0 && (a & 0x7fffffff) != 0) return a;
  smaller = shift_right(half_of(b), scale_of(a) - scale_of(b));
  if ((a ^ b) >> 31 == 0) return normalised(a >> 31, scale_of(a), half_of(a) + smaller);
  return half_of(a) == smaller ? 0 : normalised(a >> 31, scale_of(a), half_of(a) - smaller);
}

uint32_t __subsf3(uint32_t a, uint32_t b) { return is_nan(b) ? kNan : __addsf3(a, b ^ 0x80000000U); }

uint32_t __mulsf3(uint32_t a, uint32_t b) {
  const uint32_t sign = (a ^ b) >> 31;
  int exponent = exponent_of(a) + exponent_of(b) - 0x7f;
  uint32_t first = significand_of(a), second = significand_of(b);
  uint64_t whole;
  if (is_nan(a) || is_nan(b)) return kNan;
  if (exponent_of(a) == EXPONENT_MOST || exponent_of(b) == EXPONENT_MOST) {
    return (a & 0x7fffffff) == 0 || (b & 0x7fffffff) == 0 ? kNan : sign << 31 | 0x7f800000;
  }
  if (first == 0 || second == 0) return sign << 31;
  for (; !(first & 0x40000000); first <<= 1) --exponent; /* at most 23 times */
  for (; !(second & 0x40000000); second <<= 1) --exponent;
  whole = product(first, second) << 1; /* first bit at 61 or 62 */
  return normalised(sign, exponent, (uint32_t)(whole >> 32) | ((uint32_t)whole != 0));
}

uint32_t __floatunsisf(uint32_t a) { return a == 0 ? 0 : normalised(0, 0x9c, a); }
uint32_t __floatsisf(int32_t a) {
  return a == 0 ? 0 : normalised(a < 0, 0x9c, a < 0 ? 0U - (uint32_t)a : (uint32_t)a);
}

/* Towards zero; what does not fit, and what is below 0, is anything. */
uint32_t __fixunssfsi(uint32_t a);
uint32_t __fixunssfsi(uint32_t a) {
  const int shift = exponent_of(a) - 0x7f - 23;
  const uint32_t significand = fraction_of(a) | 0x800000;
  if (exponent_of(a) < 0x7f) return 0;
  return shift < 0 ? significand >> -shift : shift < 9 ? significand << shift : 0xffffffffU;
}
