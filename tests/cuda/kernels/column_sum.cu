// Column sums of a bf16 matrix: dynamic shared memory within a block, atomics between blocks.
#include <cuda_bf16.h>

extern "C" __global__
void column_sum(const __nv_bfloat16* __restrict__ x, float* __restrict__ out, int rows, int columns) {
  extern __shared__ float partial[];
  const int column = blockIdx.x * 32 + threadIdx.x;
  float sum = 0.f;
  for (int r = blockIdx.y * blockDim.y + threadIdx.y; r < rows; r += gridDim.y * blockDim.y)
    if (column < columns) sum += __bfloat162float(x[(long long)r * columns + column]);
  partial[threadIdx.y * 32 + threadIdx.x] = sum;
  __syncthreads();
  if (threadIdx.y == 0 && column < columns) {
    for (int k = 1; k < blockDim.y; ++k) sum += partial[k * 32 + threadIdx.x];
    atomicAdd(&out[column], sum);
  }
}
