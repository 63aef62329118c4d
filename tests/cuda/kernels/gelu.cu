// out = gelu(x * scale + bias[column]) + residual, four elements at a time.
extern "C" __global__ __launch_bounds__(256)
void fused_gelu(const float* __restrict__ x, const float* __restrict__ bias, const float* __restrict__ residual,
                float* __restrict__ out, float scale, long long quads, int quads_per_row) {
  for (long long i = blockIdx.x * (long long)blockDim.x + threadIdx.x; i < quads;
       i += (long long)gridDim.x * blockDim.x) {
    const float4 a = reinterpret_cast<const float4*>(x)[i];
    const float4 r = reinterpret_cast<const float4*>(residual)[i];
    const float4 b = reinterpret_cast<const float4*>(bias)[i % quads_per_row];
    float v[4] = {a.x * scale + b.x, a.y * scale + b.y, a.z * scale + b.z, a.w * scale + b.w};
    const float added[4] = {r.x, r.y, r.z, r.w};
#pragma unroll
    for (int k = 0; k < 4; ++k) v[k] = 0.5f * v[k] * (1.f + erff(v[k] * 0.70710678118f)) + added[k];
    reinterpret_cast<float4*>(out)[i] = make_float4(v[0], v[1], v[2], v[3]);
  }
}
