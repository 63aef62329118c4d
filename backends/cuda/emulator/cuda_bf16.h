// __nv_bfloat16 for the CPU: stored as 16 bits, computed in float and rounded to nearest even.
#pragma once
#include "emulator.h"

struct __align__(2) __nv_bfloat16 {
  uint16_t bits;

  __nv_bfloat16() = default;
  __nv_bfloat16(float value) {
    const uint32_t wide = __float_as_uint(value);
    const uint32_t round_to_even = 0x7fff + (wide >> 16 & 1);
    bits = value != value ? 0x7fff : (uint16_t)((wide + round_to_even) >> 16);
  }
  operator float() const { return __uint_as_float((uint32_t)bits << 16); }
};
struct __align__(4) __nv_bfloat162 { __nv_bfloat16 x, y; };
typedef __nv_bfloat16 nv_bfloat16;
typedef __nv_bfloat162 nv_bfloat162;

GRAPHC_ROUNDED_ARITHMETIC(__nv_bfloat16)

static inline float __bfloat162float(__nv_bfloat16 x) { return x; }
static inline __nv_bfloat16 __float2bfloat16(float x) { return __nv_bfloat16(x); }
static inline __nv_bfloat16 __float2bfloat16_rn(float x) { return __nv_bfloat16(x); }
static inline __nv_bfloat16 __double2bfloat16(double x) { return __nv_bfloat16(graphc_round_to_odd(x)); }
static inline unsigned short __bfloat16_as_ushort(__nv_bfloat16 x) { return x.bits; }
static inline __nv_bfloat16 __ushort_as_bfloat16(unsigned short x) { return graphc_bits<__nv_bfloat16>(x); }
static inline float2 __bfloat1622float2(__nv_bfloat162 v) { return {v.x, v.y}; }
static inline __nv_bfloat162 __floats2bfloat162_rn(float x, float y) { return {x, y}; }
static inline __nv_bfloat162 __float22bfloat162_rn(float2 v) { return {v.x, v.y}; }
