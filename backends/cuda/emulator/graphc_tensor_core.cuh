// Asynchronous copies and tensor-core products for the CPU; the folder above has the same for the GPU.
#pragma once
#include "emulator.h"

static inline void graphc_copy_async_16(void* shared, const void* global, bool valid = true) {
  graphc_copy_begin(shared, valid ? global : shared, 16, valid ? 16 : 0);
}
static inline void graphc_copy_async_commit() { graphc_copy_commit(); }
template <int groups_in_flight>
static inline void graphc_copy_async_wait() { graphc_copy_wait(groups_in_flight); }

struct GraphcProduct { float* accumulator; const unsigned *left, *right; };

// m16n8k16: which lane holds which element of the fragments is laid down by the PTX manual.
static void graphc_multiply_fragments(void** lanes) {
  float left[16][16], right[16][8];
  const auto unpack = [](unsigned pair, int half) { return __uint_as_float(half ? pair & 0xffff0000u : pair << 16); };
  for (int lane = 0; lane < 32; ++lane) {
    const auto* product = static_cast<const GraphcProduct*>(lanes[lane]);
    const int group = lane >> 2, pair = (lane & 3) * 2;
    for (int i = 0; i < 8; ++i)
      left[group + (i >> 1 & 1) * 8][pair + (i & 1) + (i >> 2) * 8] = unpack(product->left[i >> 1], i & 1);
    for (int i = 0; i < 4; ++i) right[pair + (i & 1) + (i >> 1) * 8][group] = unpack(product->right[i >> 1], i & 1);
  }
  for (int lane = 0; lane < 32; ++lane) {
    const auto* product = static_cast<const GraphcProduct*>(lanes[lane]);
    const int group = lane >> 2, pair = (lane & 3) * 2;
    for (int i = 0; i < 4; ++i)
      for (int k = 0; k < 16; ++k)
        product->accumulator[i] += left[group + (i >> 1) * 8][k] * right[k][pair + (i & 1)];
  }
}
static inline void graphc_multiply_add_16816(float* accumulator, const unsigned* left, const unsigned* right,
                                             int line = __builtin_LINE()) {
  GraphcProduct product{accumulator, left, right};
  graphc_warp_collective(graphc_multiply_fragments, &product, line);
}
