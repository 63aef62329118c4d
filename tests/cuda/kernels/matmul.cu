// A tile of 32 x 32 per block of 32 x 8 threads, through shared memory.
#define TILE 32

extern "C" __global__ __launch_bounds__(256)
void matmul_tiled(const float* __restrict__ left, const float* __restrict__ right, float* __restrict__ product,
                  int rows, int columns, int depth) {
  __shared__ float left_tile[TILE][TILE + 1];
  __shared__ float right_tile[TILE][TILE + 1];
  const int tx = threadIdx.x, ty = threadIdx.y;
  const int column = blockIdx.x * TILE + tx, first_row = blockIdx.y * TILE + ty;
  float sums[4] = {0.f, 0.f, 0.f, 0.f};
  for (int k0 = 0; k0 < depth; k0 += TILE) {
#pragma unroll
    for (int r = 0; r < 4; ++r) {
      const int row = first_row + 8 * r, k = k0 + ty + 8 * r;
      left_tile[ty + 8 * r][tx] = row < rows && k0 + tx < depth ? left[(long long)row * depth + k0 + tx] : 0.f;
      right_tile[ty + 8 * r][tx] = k < depth && column < columns ? right[(long long)k * columns + column] : 0.f;
    }
    __syncthreads();  // the tiles are there
#pragma unroll
    for (int k = 0; k < TILE; ++k)
#pragma unroll
      for (int r = 0; r < 4; ++r) sums[r] += left_tile[ty + 8 * r][k] * right_tile[k][tx];
    __syncthreads();  // the tiles have been read
  }
#pragma unroll
  for (int r = 0; r < 4; ++r)
    if (first_row + 8 * r < rows && column < columns)
      product[(long long)(first_row + 8 * r) * columns + column] = sums[r];
}
