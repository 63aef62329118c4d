// One block per row: maximum and sum by warp shuffles, then through shared memory.
#define INFINITY_F __int_as_float(0x7f800000)

struct Maximum { static __device__ float apply(float x, float y) { return fmaxf(x, y); } };
struct Sum { static __device__ float apply(float x, float y) { return x + y; } };

template <class Combine>
__device__ __forceinline__ float warp_reduce(float v) {
#pragma unroll
  for (int distance = 16; distance > 0; distance >>= 1)
    v = Combine::apply(v, __shfl_down_sync(0xffffffffu, v, distance));
  return v;
}

template <class Combine>
__device__ float block_reduce(float v, float identity, float* partial) {
  const int lane = threadIdx.x & 31, warp = threadIdx.x >> 5;
  v = warp_reduce<Combine>(v);
  __syncthreads();  // the previous reduction has been read
  if (lane == 0) partial[warp] = v;
  __syncthreads();  // all partial results are there
  if (warp == 0) {
    v = warp_reduce<Combine>(lane < (blockDim.x >> 5) ? partial[lane] : identity);
    if (lane == 0) partial[0] = v;
  }
  __syncthreads();  // the result is there
  return partial[0];
}

extern "C" __global__ __launch_bounds__(256)
void softmax_rows(const float* __restrict__ x, float* __restrict__ y, int columns) {
  __shared__ float partial[32];
  const float* row = x + (long long)blockIdx.x * columns;
  float* result = y + (long long)blockIdx.x * columns;
  float largest = -INFINITY_F;
  for (int c = threadIdx.x; c < columns; c += blockDim.x) largest = fmaxf(largest, row[c]);
  largest = block_reduce<Maximum>(largest, -INFINITY_F, partial);
  float sum = 0.f;
  for (int c = threadIdx.x; c < columns; c += blockDim.x) sum += __expf(row[c] - largest);
  sum = block_reduce<Sum>(sum, 0.f, partial);
  for (int c = threadIdx.x; c < columns; c += blockDim.x) result[c] = __expf(row[c] - largest) / sum;
}
