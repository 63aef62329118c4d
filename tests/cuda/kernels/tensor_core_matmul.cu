// product[m,n] = left[m,k] * right[n,k]^T in bf16 with f32 sums: 64x64x32 tiles, double-buffered asynchronous
// copies, tensor cores. k is a multiple of 8.
#include <cuda_bf16.h>
#include <graphc_tensor_core.cuh>

#define STRIDE 40  // 32 and a pad that spreads the rows over the banks

extern "C" __global__ __launch_bounds__(128)
void tensor_core_matmul(const __nv_bfloat16* __restrict__ left, const __nv_bfloat16* __restrict__ right,
                        float* __restrict__ product, int rows, int columns, int depth) {
  __shared__ __align__(16) __nv_bfloat16 left_tile[2][64][STRIDE];
  __shared__ __align__(16) __nv_bfloat16 right_tile[2][64][STRIDE];
  const int t = threadIdx.x, lane = t & 31, warp = t >> 5, m0 = blockIdx.y * 64, n0 = blockIdx.x * 64;
  float sums[8][4];
#pragma unroll
  for (int i = 0; i < 8; ++i)
#pragma unroll
    for (int j = 0; j < 4; ++j) sums[i][j] = 0.f;
  auto load = [&](int stage, int k0) {
#pragma unroll
    for (int i = 0; i < 2; ++i) {
      const int chunk = t + i * 128, row = chunk >> 2, k = (chunk & 3) * 8;
      const bool k_inside = k0 + k < depth;
      graphc_copy_async_16(&left_tile[stage][row][k], left + (long long)(m0 + row) * depth + k0 + k,
                           m0 + row < rows && k_inside);
      graphc_copy_async_16(&right_tile[stage][row][k], right + (long long)(n0 + row) * depth + k0 + k,
                           n0 + row < columns && k_inside);
    }
    graphc_copy_async_commit();
  };
  const int tiles = (depth + 31) / 32;
  load(0, 0);
  for (int tile = 0; tile < tiles; ++tile) {
    if (tile + 1 < tiles) {
      load((tile + 1) & 1, (tile + 1) * 32);
      graphc_copy_async_wait<1>();
    } else {
      graphc_copy_async_wait<0>();
    }
    __syncthreads();  // the tile has landed for every thread
    const int s = tile & 1, group = lane >> 2, pair = (lane & 3) * 2, row = warp * 16 + group;
#pragma unroll
    for (int k = 0; k < 32; k += 16) {
      const unsigned a[4] = {*(unsigned*)&left_tile[s][row][k + pair], *(unsigned*)&left_tile[s][row + 8][k + pair],
                             *(unsigned*)&left_tile[s][row][k + pair + 8],
                             *(unsigned*)&left_tile[s][row + 8][k + pair + 8]};
#pragma unroll
      for (int n = 0; n < 8; ++n) {
        const unsigned b[2] = {*(unsigned*)&right_tile[s][n * 8 + group][k + pair],
                               *(unsigned*)&right_tile[s][n * 8 + group][k + pair + 8]};
        graphc_multiply_add_16816(sums[n], a, b);
      }
    }
    __syncthreads();  // the tile has been read
  }
  const int first_row = m0 + warp * 16 + (lane >> 2), first_column = n0 + (lane & 3) * 2;
#pragma unroll
  for (int n = 0; n < 8; ++n)
#pragma unroll
    for (int j = 0; j < 4; ++j) {
      const int r = first_row + (j >> 1) * 8, c = first_column + n * 8 + (j & 1);
      if (r < rows && c < columns) product[(long long)r * columns + c] = sums[n][j];
    }
}
