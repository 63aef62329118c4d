// __half for the CPU: stored as 16 bits, computed in float and rounded to nearest even.
#pragma once
#include "emulator.h"

struct __align__(2) __half {
  uint16_t bits;

  __half() = default;
  __half(float value) : bits(from_float(value)) {}
  operator float() const { return to_float(bits); }

 private:
  static uint16_t from_float(float value) {
    const uint32_t wide = __float_as_uint(value), sign = wide >> 16 & 0x8000, magnitude = wide & 0x7fffffff;
    const uint32_t overflow = 0x477ff000;      // 65520, halfway between the largest half and the next power of two
    const uint32_t smallest_normal = 0x38800000;
    if (magnitude > 0x7f800000) return 0x7fff;  // the one NaN that CUDA gives
    if (magnitude >= overflow) return sign | 0x7c00;
    if (magnitude < smallest_normal)  // 0.5f has the spacing of subnormal halves: the addition rounds
      return sign | (__float_as_uint(__uint_as_float(magnitude) + 0.5f) - __float_as_uint(0.5f));
    const uint32_t rebias = (uint32_t)(15 - 127) << 23, round_to_even = 0xfff + (magnitude >> 13 & 1);
    return sign | (magnitude + rebias + round_to_even) >> 13;
  }
  static float to_float(uint16_t bits) {
    const uint32_t sign = (uint32_t)(bits & 0x8000) << 16, magnitude = (uint32_t)(bits & 0x7fff) << 13;
    if ((bits & 0x7c00) == 0x7c00) return __uint_as_float(sign | 0x7f800000 | magnitude);
    const float rebias = 0x1p112f;  // exact, and it makes subnormals normal
    return __uint_as_float(sign | __float_as_uint(__uint_as_float(magnitude) * rebias));
  }
};
struct __align__(4) __half2 { __half x, y; };
typedef __half half;
typedef __half2 half2;

GRAPHC_ROUNDED_ARITHMETIC(__half)

static inline float __half2float(__half x) { return x; }
static inline __half __float2half(float x) { return __half(x); }
static inline __half __float2half_rn(float x) { return __half(x); }
static inline __half __double2half(double x) { return __half(graphc_round_to_odd(x)); }
static inline unsigned short __half_as_ushort(__half x) { return x.bits; }
static inline __half __ushort_as_half(unsigned short x) { return graphc_bits<__half>(x); }
static inline float2 __half22float2(__half2 v) { return {v.x, v.y}; }
static inline __half2 __floats2half2_rn(float x, float y) { return {x, y}; }
static inline __half2 __float22half2_rn(float2 v) { return {v.x, v.y}; }
